// What the parts of the fake driver share: contexts, handles, and errors that stay.
#pragma once

#include "../runtime/launch.h"
#include "../runtime/report.h"
#include "../runtime/settings.h"
#include "memory.h"
#include "ptx.h"

#include <cuda.h>
#include <memory>
#include <string>
#include <vector>

// Symbols that the real library exports.
#define CUDA_EMULATOR_API extern "C" __attribute__((visibility("default")))

struct CUctx_st {
    int device;
    bool is_primary;
    int references;
};

namespace cuda_emulator {

// What stands in the way of every call: no cuInit, or an earlier error that does not go away.
CUresult standing();
// The same, and that the calling thread has a context.
CUresult standing_in_context();
// After this, every call returns the error, as after a fault of a real device.
CUresult stay(CUresult error);
// Counts a launch and fails it, with all calls after it, where NEARSAY_EMULATOR_FAIL_LAUNCH says so.
CUresult begin_launch(const char *name);

void initialise();
// The calling thread's context; null without one.
CUctx_st *current_context();
int current_device();

bool is_device(CUdevice device);
// The most shared memory that a block can ask for, and that a multiprocessor has.
size_t shared_bytes_on_request();
size_t shared_bytes_of_multiprocessor();
bool is_stream(CUstream stream, const char *call);

// Handles that the program was given and that are still good, of all kinds.
void add_handle(const void *handle, const char *kind);
bool remove_handle(const void *handle, const char *kind, const char *call);
bool is_handle(const void *handle, const char *kind, const char *call);

// The emulated kernel of this name and the library that has it; null where there is none.
const Kernel *find_kernel(const std::string &name, const Library **library);

} // namespace cuda_emulator
