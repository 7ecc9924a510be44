// The environment variables that change what the emulator does; README.md describes them.
#pragma once

#include <cstdint>
#include <string>

namespace cuda_emulator {

struct Settings {
    int devices;
    uint64_t memory_bytes;
    // From this kernel launch on everything fails; 0 for never.
    uint64_t fail_launch;
    // This allocation fails; 0 for none.
    uint64_t fail_allocation;
    // 90 for 9.0.
    int compute_capability;
    // As cuDriverGetVersion gives it, 13000 for 13.0.
    int driver_version;
    // 0 runs threads and blocks in order.
    uint64_t seed;
    int threads;
    bool log;
    // Whether cuBLASLt chooses its algorithms by the shape.
    bool chooses_by_shape;
    // Folders of libraries of kernels, parted by colons; empty for the folder of the emulator.
    std::string kernels;
};

const Settings &settings();

} // namespace cuda_emulator
