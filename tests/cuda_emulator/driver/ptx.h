// What a module's PTX says of its kernels: names, parameters, static shared memory, the most threads.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace cuda_emulator {

struct PtxEntry {
    std::string name;
    std::vector<size_t> parameter_bytes;
    size_t static_shared_bytes = 0;
    // From __launch_bounds__; 0 if there are none.
    unsigned max_threads = 0;
};

struct Ptx {
    // 90 for version 9.0, and for sm_90.
    int version = 0;
    int target = 0;
    std::vector<PtxEntry> entries;
};

// False with the reason where the text is not PTX.
bool parse_ptx(const char *text, Ptx &ptx, std::string &reason);

} // namespace cuda_emulator
