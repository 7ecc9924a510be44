// Messages, poison, and counts.
#include "report.h"

#include "../device/thread.h"
#include "../driver/memory.h"
#include "settings.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

namespace cuda_emulator {

void complain(const char *format, ...) {
    char message[8192];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    std::fprintf(stderr, "cuda emulator: %s\n", message);
    std::fflush(stderr);
}

void fill_with_poison(void *memory, size_t bytes) {
    unsigned char *to = static_cast<unsigned char *>(memory);
    static const unsigned char pattern[2] = {POISON & 0xff, POISON >> 8};
    if (!bytes) return;
    size_t filled = bytes < 2 ? bytes : 2;
    std::memcpy(to, pattern, filled);
    while (filled < bytes) {
        size_t more = filled < bytes - filled ? filled : bytes - filled;
        if (more > 65536) more = 65536;
        std::memcpy(to + filled, to, more);
        filled += more;
    }
}

namespace {

struct Counts {
    std::mutex lock;
    std::map<std::string, uint64_t> launches;
    uint64_t to_device = 0, to_host = 0, on_device = 0;
};

// Never destroyed: threads may outlive main.
Counts &counts() {
    static Counts *all = new Counts;
    return *all;
}

void print_counts() {
    Counts &all = counts();
    std::lock_guard<std::mutex> hold(all.lock);
    std::string text = "launches by kernel:\n";
    uint64_t total = 0;
    for (const auto &kernel : all.launches) {
        text += "  " + std::to_string(kernel.second) + "  " + kernel.first + "\n";
        total += kernel.second;
    }
    MemoryCounts memory = memory_counts();
    std::fprintf(stderr,
                 "cuda emulator: %s  %llu in all\n"
                 "allocations: %llu, at most %llu bytes at once, %llu bytes in %llu allocations not freed\n"
                 "bytes copied: %llu to the device, %llu from it, %llu on it\n",
                 text.c_str(), static_cast<unsigned long long>(total), static_cast<unsigned long long>(memory.allocations),
                 static_cast<unsigned long long>(memory.peak_bytes), static_cast<unsigned long long>(memory.bytes),
                 static_cast<unsigned long long>(memory.live), static_cast<unsigned long long>(all.to_device),
                 static_cast<unsigned long long>(all.to_host), static_cast<unsigned long long>(all.on_device));
}

} // namespace

void count_launch(const char *name) {
    if (!settings().log) return;
    std::lock_guard<std::mutex> hold(counts().lock);
    counts().launches[name]++;
}

void count_copy(uint64_t to_device, uint64_t to_host, uint64_t on_device) {
    if (!settings().log) return;
    std::lock_guard<std::mutex> hold(counts().lock);
    counts().to_device += to_device;
    counts().to_host += to_host;
    counts().on_device += on_device;
}

void print_counts_at_exit() {
    if (settings().log) std::atexit(print_counts);
}

} // namespace cuda_emulator
