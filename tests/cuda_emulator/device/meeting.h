// How lanes of a warp, and threads of a block, wait for each other.
//
// A collective is a request on each lane's stack and a function that the last lane to come runs for all of them. To add
// one: a struct of what a lane brings and takes away, and a function over the requests by lane.
#pragma once

#include "thread.h"

namespace cuda_emulator {

// `requests` is by lane; those outside `members` are null. `members` are the lanes of the mask that have not ended.
using Complete = void (*)(void *const *requests, unsigned members);

// Returns when all lanes of `mask` that have not ended have met in the same collective with the same mask.
void meet_in_warp(const char *name, unsigned mask, void *request, Complete complete);

enum class Vote { none, any, all, count };

// Returns when all threads of the block that have not ended have met; gives what became of their predicates.
int meet_in_block(const char *name, Vote vote, bool predicate);

// The same as meet_in_warp, for requests of one type.
template <class Request, void (*complete)(Request *const *, unsigned)>
inline void meet(const char *name, unsigned mask, Request &request) {
    meet_in_warp(name, mask, &request, [](void *const *requests, unsigned members) {
        complete(reinterpret_cast<Request *const *>(requests), members);
    });
}

} // namespace cuda_emulator
