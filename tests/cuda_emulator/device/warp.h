// Shuffles, votes, reductions and barriers (CUDA C++ Programming Guide, "Warp Shuffle Functions" and what is around it).
#pragma once

#include "meeting.h"

#include <type_traits>

namespace cuda_emulator {

enum class Shuffle { from_lane, up, down, exclusive_or };

template <class T> struct ShuffleRequest {
    T input;
    T output;
    unsigned source;
    bool takes_own;
};

template <class T> inline void complete_shuffle(ShuffleRequest<T> *const *lanes, unsigned members) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (!(members >> lane & 1)) continue;
        ShuffleRequest<T> &request = *lanes[lane];
        unsigned source = request.takes_own ? lane : request.source;
        if (members >> source & 1) {
            request.output = lanes[source]->input;
        } else {
            // Undefined in CUDA: the lane is not there.
            __builtin_memset(static_cast<void *>(&request.output), 0xff, sizeof(T));
        }
    }
}

// Where a lane reads from (PTX ISA, "shfl.sync"): segments of `width` lanes; a source beyond its end is the lane itself.
template <class T> inline T shuffle(const char *name, Shuffle kind, unsigned mask, T value, int argument, int width) {
    static_assert(std::is_trivially_copyable<T>::value && sizeof(T) <= 16, "a value that registers hold");
    if (width <= 0 || width > LANES || (width & (width - 1))) fail("%s: a width of %d", name, width);
    int lane = static_cast<int>(running->lane);
    int begin = lane & ~(width - 1), end = begin + width;
    int source = lane;
    bool valid = true;
    switch (kind) {
    case Shuffle::from_lane: source = begin | (argument & (width - 1)); break;
    case Shuffle::up: source = lane - argument, valid = source >= begin; break;
    case Shuffle::down: source = lane + argument, valid = source < end; break;
    case Shuffle::exclusive_or: source = lane ^ argument, valid = source < end && source >= 0; break;
    }
    ShuffleRequest<T> request{value, value, static_cast<unsigned>(valid ? source : lane), !valid};
    meet<ShuffleRequest<T>, complete_shuffle<T>>(name, mask, request);
    return request.output;
}

struct BallotRequest {
    bool predicate;
    unsigned ballot;
};

inline void complete_ballot(BallotRequest *const *lanes, unsigned members) {
    unsigned ballot = 0;
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (members >> lane & 1 && lanes[lane]->predicate) ballot |= 1u << lane;
    }
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (members >> lane & 1) lanes[lane]->ballot = ballot;
    }
}

inline unsigned ballot(const char *name, unsigned mask, bool predicate) {
    BallotRequest request{predicate, 0};
    meet<BallotRequest, complete_ballot>(name, mask, request);
    return request.ballot;
}

template <class T> struct ValueRequest {
    T value;
    unsigned lanes_alike;
};

template <class T, class Operation> inline void complete_reduction(ValueRequest<T> *const *lanes, unsigned members) {
    T result{};
    bool first = true;
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (!(members >> lane & 1)) continue;
        result = first ? lanes[lane]->value : Operation()(result, lanes[lane]->value);
        first = false;
    }
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (members >> lane & 1) lanes[lane]->value = result;
    }
}

template <class Operation, class T> inline T reduce(const char *name, unsigned mask, T value) {
    ValueRequest<T> request{value, 0};
    meet<ValueRequest<T>, complete_reduction<T, Operation>>(name, mask, request);
    return request.value;
}

template <class T> inline void complete_match(ValueRequest<T> *const *lanes, unsigned members) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (!(members >> lane & 1)) continue;
        for (unsigned other = 0; other < LANES; other++) {
            if (!(members >> other & 1)) continue;
            if (!__builtin_memcmp(&lanes[lane]->value, &lanes[other]->value, sizeof(T)))
                lanes[lane]->lanes_alike |= 1u << other;
        }
    }
}

struct Nothing {};
inline void complete_nothing(Nothing *const *, unsigned) {}

struct Least {
    template <class T> T operator()(T a, T b) const { return b < a ? b : a; }
};
struct Largest {
    template <class T> T operator()(T a, T b) const { return a < b ? b : a; }
};
struct Sum {
    template <class T> T operator()(T a, T b) const { return a + b; }
};
struct And {
    template <class T> T operator()(T a, T b) const { return a & b; }
};
struct Or {
    template <class T> T operator()(T a, T b) const { return a | b; }
};
struct ExclusiveOr {
    template <class T> T operator()(T a, T b) const { return a ^ b; }
};

} // namespace cuda_emulator

template <class T> inline T __shfl_sync(unsigned mask, T value, int lane, int width = cuda_emulator::LANES) {
    return cuda_emulator::shuffle("__shfl_sync", cuda_emulator::Shuffle::from_lane, mask, value, lane, width);
}
template <class T> inline T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = cuda_emulator::LANES) {
    return cuda_emulator::shuffle("__shfl_up_sync", cuda_emulator::Shuffle::up, mask, value, static_cast<int>(distance), width);
}
template <class T> inline T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = cuda_emulator::LANES) {
    return cuda_emulator::shuffle("__shfl_down_sync", cuda_emulator::Shuffle::down, mask, value, static_cast<int>(distance),
                                  width);
}
template <class T> inline T __shfl_xor_sync(unsigned mask, T value, int bits, int width = cuda_emulator::LANES) {
    return cuda_emulator::shuffle("__shfl_xor_sync", cuda_emulator::Shuffle::exclusive_or, mask, value, bits, width);
}

inline unsigned __ballot_sync(unsigned mask, int predicate) { return cuda_emulator::ballot("__ballot_sync", mask, predicate); }
inline int __any_sync(unsigned mask, int predicate) { return cuda_emulator::ballot("__any_sync", mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return cuda_emulator::ballot("__all_sync", mask, !predicate) == 0; }

template <class T> inline unsigned __match_any_sync(unsigned mask, T value) {
    cuda_emulator::ValueRequest<T> request{value, 0};
    cuda_emulator::meet<cuda_emulator::ValueRequest<T>, cuda_emulator::complete_match<T>>("__match_any_sync", mask, request);
    return request.lanes_alike;
}

inline unsigned __reduce_max_sync(unsigned mask, unsigned value) {
    return cuda_emulator::reduce<cuda_emulator::Largest>("__reduce_max_sync", mask, value);
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value) {
    return cuda_emulator::reduce<cuda_emulator::Least>("__reduce_min_sync", mask, value);
}
inline unsigned __reduce_add_sync(unsigned mask, unsigned value) {
    return cuda_emulator::reduce<cuda_emulator::Sum>("__reduce_add_sync", mask, value);
}
inline int __reduce_max_sync(unsigned mask, int value) {
    return cuda_emulator::reduce<cuda_emulator::Largest>("__reduce_max_sync", mask, value);
}
inline int __reduce_min_sync(unsigned mask, int value) {
    return cuda_emulator::reduce<cuda_emulator::Least>("__reduce_min_sync", mask, value);
}
inline int __reduce_add_sync(unsigned mask, int value) {
    return cuda_emulator::reduce<cuda_emulator::Sum>("__reduce_add_sync", mask, value);
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value) {
    return cuda_emulator::reduce<cuda_emulator::And>("__reduce_and_sync", mask, value);
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value) {
    return cuda_emulator::reduce<cuda_emulator::Or>("__reduce_or_sync", mask, value);
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value) {
    return cuda_emulator::reduce<cuda_emulator::ExclusiveOr>("__reduce_xor_sync", mask, value);
}

inline void __syncwarp(unsigned mask = cuda_emulator::EVERY_LANE) {
    cuda_emulator::Nothing nothing;
    cuda_emulator::meet<cuda_emulator::Nothing, cuda_emulator::complete_nothing>("__syncwarp", mask, nothing);
}

inline void __syncthreads() { cuda_emulator::meet_in_block("__syncthreads", cuda_emulator::Vote::none, false); }
inline int __syncthreads_or(int predicate) {
    return cuda_emulator::meet_in_block("__syncthreads_or", cuda_emulator::Vote::any, predicate);
}
inline int __syncthreads_and(int predicate) {
    return cuda_emulator::meet_in_block("__syncthreads_and", cuda_emulator::Vote::all, predicate);
}
inline int __syncthreads_count(int predicate) {
    return cuda_emulator::meet_in_block("__syncthreads_count", cuda_emulator::Vote::count, predicate);
}
