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
