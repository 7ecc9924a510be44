// Linked into every fake library: what a function says that the library's header declares and nobody emulates. The functions
// themselves are generated from the header by scripts/cuda-emulator.
#include <cstdio>

extern "C" __attribute__((visibility("hidden"))) int cuda_emulator_unsupported(const char *name, int status) {
    std::fprintf(stderr, "cuda emulator: %s is not emulated\n", name);
    std::fflush(stderr);
    return status;
}
