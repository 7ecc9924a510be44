// What the emulator says on standard error, and the counts that it says at the end if it is asked to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cuda_emulator {

// "cuda emulator: ..." on standard error.
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

void fill_with_poison(void *memory, size_t bytes);

// For NEARSAY_EMULATOR_LOG.
void count_launch(const char *name);
void count_copy(uint64_t to_device, uint64_t to_host, uint64_t on_device);
void print_counts_at_exit();

} // namespace cuda_emulator
