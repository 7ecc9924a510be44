// Runs a kernel's grid.
#pragma once

#include "../device/registration.h"
#include "../device/thread.h"

#include <cuda.h>

namespace cuda_emulator {

// A library of kernels; its thread_local variables are the static shared memory of its kernels.
struct Library {
    const char *path;
    // In each operating system thread, some byte of that memory; reading it has the thread's copy made.
    unsigned char *(*shared_memory)();
};

struct Launch {
    const Kernel *kernel;
    const Library *library;
    dim3 grid;
    dim3 block;
    size_t dynamic_shared_bytes;
    void *const *arguments;
};

// One launch at a time; its blocks run on settings().threads operating system threads. What went wrong has been told.
CUresult run(const Launch &launch);

} // namespace cuda_emulator
