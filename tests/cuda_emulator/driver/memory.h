// The devices' memory: allocations of the process's own memory, each between pages that cannot be touched.
//
// An allocation ends less than 256 bytes before such a page and begins on a multiple of 256. What is left around it is
// filled with a pattern that is looked at after each launch and when it is freed. Memory that was freed stays untouchable
// for a while, so that its use is an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cuda.h>
#include <string>

namespace cuda_emulator {

constexpr int HOST = -1;

struct MemoryCounts {
    uint64_t allocations, live, bytes, peak_bytes;
};

// `device` is HOST for page-locked memory of the host. The memory is poisoned.
CUresult allocate(void **pointer, size_t bytes, int device);
// Frees what begins here; the error tells that nothing does.
CUresult release(const void *pointer, bool is_host, const char *call);
// Frees all that a device has, as the end of its context does.
void release_device(int device);

// Whether the bytes lie in one allocation of the device's, or of any device's for a negative number; what is wrong is told.
bool lies_in_device_memory(const void *pointer, size_t bytes, int device, const char *call);
// Whether the bytes are not a device's; what is wrong is told.
bool is_host_memory(const void *pointer, const char *call);
// Whether a kernel on this device may be given this pointer: null, into an allocation, or just behind one.
bool is_argument(const void *pointer, int device);

// Looks at the patterns around all allocations and tells of those that were changed, naming who may have done it.
bool surroundings_are_whole(const char *after);

void memory_free(int device, size_t *free_bytes, size_t *total_bytes);
MemoryCounts memory_counts();
// "8 bytes behind an allocation of 400 bytes".
std::string describe_address(uintptr_t address);

} // namespace cuda_emulator
