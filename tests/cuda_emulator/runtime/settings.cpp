// Reads the settings once; what is no number ends the process.
#include "settings.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cuda.h>
#include <thread>

namespace cuda_emulator {

static uint64_t number(const char *name, uint64_t otherwise) {
    const char *text = std::getenv(name);
    if (!text || !*text) return otherwise;
    char *end = nullptr;
    errno = 0;
    uint64_t value = std::strtoull(text, &end, 10);
    if (errno || *end || *text == '-') {
        std::fprintf(stderr, "cuda emulator: %s=%s is not a number\n", name, text);
        std::abort();
    }
    return value;
}

static Settings read() {
    unsigned cores = std::thread::hardware_concurrency();
    const char *kernels = std::getenv("NEARSAY_EMULATOR_KERNELS");
    Settings settings;
    settings.devices = static_cast<int>(number("NEARSAY_EMULATOR_DEVICES", 1));
    settings.memory_bytes = number("NEARSAY_EMULATOR_MEMORY", uint64_t{80} << 30);
    settings.fail_launch = number("NEARSAY_EMULATOR_FAIL_LAUNCH", 0);
    settings.fail_allocation = number("NEARSAY_EMULATOR_FAIL_ALLOCATION", 0);
    settings.compute_capability = static_cast<int>(number("NEARSAY_EMULATOR_COMPUTE_CAPABILITY", 90));
    settings.driver_version = static_cast<int>(number("NEARSAY_EMULATOR_DRIVER_VERSION", CUDA_VERSION));
    settings.seed = number("NEARSAY_EMULATOR_SEED", 0);
    settings.threads = static_cast<int>(number("NEARSAY_EMULATOR_THREADS", cores < 1 ? 1 : cores > 4 ? 4 : cores));
    settings.log = number("NEARSAY_EMULATOR_LOG", 0) != 0;
    settings.chooses_by_shape = number("NEARSAY_EMULATOR_HEURISTIC", 0) != 0;
    settings.kernels = kernels ? kernels : "";
    if (settings.threads < 1) settings.threads = 1;
    return settings;
}

const Settings &settings() {
    static const Settings read_once = read();
    return read_once;
}

} // namespace cuda_emulator
