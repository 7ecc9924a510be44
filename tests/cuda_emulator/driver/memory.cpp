// Allocations and what is known of addresses.
#include "memory.h"

#include "../runtime/report.h"
#include "../runtime/settings.h"

#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace cuda_emulator {
namespace {

constexpr size_t ALIGNMENT = 256;
// Of each allocation, the bytes before it that are filled and looked at.
constexpr size_t BEFORE = 256;
// NaN in all formats, like POISON, but another.
constexpr uint16_t PATTERN = 0xfffb;
// Freed allocations that stay untouchable.
constexpr size_t REMEMBERED = 4096;
// Larger allocations are given only if the machine has the memory.
constexpr size_t LARGE = 64 << 20;

struct Allocation {
    unsigned char *begin;
    size_t bytes;
    int device;
    unsigned char *mapping;
    size_t mapping_bytes;
    uint64_t number;
    bool complained;

    unsigned char *end() const { return begin + bytes; }
    size_t bytes_behind() const { return (ALIGNMENT - bytes % ALIGNMENT) % ALIGNMENT; }
};

struct Memory {
    std::mutex lock;
    // By beginning.
    std::map<uintptr_t, Allocation> live;
    std::map<uintptr_t, Allocation> freed;
    std::deque<uintptr_t> freed_order;
    std::vector<uint64_t> used;
    MemoryCounts counts{};
    uint64_t asked = 0;
};

// Never destroyed: threads may outlive main.
Memory &memory() {
    static Memory *all = new Memory;
    return *all;
}

size_t page_bytes() {
    static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return bytes;
}

size_t round_up(size_t bytes, size_t multiple) { return (bytes + multiple - 1) / multiple * multiple; }

// The pattern from an even address on.
struct Pattern {
    unsigned char bytes[BEFORE + ALIGNMENT + 2];
    Pattern() {
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = static_cast<unsigned char>(i % 2 ? PATTERN >> 8 : PATTERN & 0xff);
    }
};

const unsigned char *pattern_at(const unsigned char *memory) {
    static const Pattern pattern;
    return pattern.bytes + reinterpret_cast<uintptr_t>(memory) % 2;
}

void fill_pattern(unsigned char *memory, size_t bytes) { std::memcpy(memory, pattern_at(memory), bytes); }

// The first byte that is not of the pattern, or null.
const unsigned char *first_change(const unsigned char *memory, size_t bytes) {
    const unsigned char *expected = pattern_at(memory);
    if (!std::memcmp(memory, expected, bytes)) return nullptr;
    while (*memory == *expected) memory++, expected++;
    return memory;
}

uint64_t &used_by(Memory &all, int device) {
    size_t index = static_cast<size_t>(device + 1);
    if (all.used.size() <= index) all.used.resize(index + 1);
    return all.used[index];
}

// The allocation that has this address, or ends there.
Allocation *find(std::map<uintptr_t, Allocation> &among, uintptr_t address) {
    auto after = among.upper_bound(address);
    if (after == among.begin()) return nullptr;
    Allocation &allocation = std::prev(after)->second;
    return address <= reinterpret_cast<uintptr_t>(allocation.end()) ? &allocation : nullptr;
}

bool check_surroundings(Allocation &allocation, const char *after) {
    if (allocation.complained) return false;
    const unsigned char *changed = first_change(allocation.begin - BEFORE, BEFORE);
    if (changed) {
        complain("%s wrote out of bounds: %zd bytes before the allocation %llu of %zu bytes", after, allocation.begin - changed,
                 static_cast<unsigned long long>(allocation.number), allocation.bytes);
    } else if ((changed = first_change(allocation.end(), allocation.bytes_behind()))) {
        complain("%s wrote out of bounds: %zd bytes behind the end of the allocation %llu of %zu bytes", after,
                 changed - allocation.end(), static_cast<unsigned long long>(allocation.number), allocation.bytes);
    }
    if (changed) allocation.complained = true;
    return !changed;
}

void forget_oldest(Memory &all) {
    auto oldest = all.freed.find(all.freed_order.front());
    all.freed_order.pop_front();
    munmap(oldest->second.mapping, oldest->second.mapping_bytes);
    all.freed.erase(oldest);
}

void release_one(Memory &all, std::map<uintptr_t, Allocation>::iterator found) {
    Allocation allocation = found->second;
    all.live.erase(found);
    used_by(all, allocation.device) -= allocation.bytes;
    all.counts.bytes -= allocation.bytes;
    all.counts.live--;
    // Mapped anew, so that the system has its pages back.
    mmap(allocation.mapping, allocation.mapping_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
         0);
    uintptr_t key = reinterpret_cast<uintptr_t>(allocation.begin);
    all.freed[key] = allocation;
    all.freed_order.push_back(key);
    if (all.freed_order.size() > REMEMBERED) forget_oldest(all);
}

std::string text(const char *relation, size_t distance, const Allocation &allocation, const char *what) {
    return std::to_string(distance) + relation + what + " " + std::to_string(allocation.number) + " of " +
           std::to_string(allocation.bytes) + " bytes";
}

std::string describe(Memory &all, uintptr_t address) {
    if (address < 65536) return "null, or an offset from it";
    if (Allocation *freed = find(all.freed, address)) {
        return text(" bytes into ", address - reinterpret_cast<uintptr_t>(freed->begin), *freed, "the freed allocation");
    }
    auto after = all.live.upper_bound(address);
    size_t behind = SIZE_MAX, ahead = SIZE_MAX;
    if (after != all.live.begin()) behind = address - reinterpret_cast<uintptr_t>(std::prev(after)->second.end());
    if (after != all.live.end()) ahead = after->first - address;
    if (after != all.live.begin() && address < reinterpret_cast<uintptr_t>(std::prev(after)->second.end())) {
        const Allocation &inside = std::prev(after)->second;
        return text(" bytes into ", address - reinterpret_cast<uintptr_t>(inside.begin), inside, "the allocation");
    }
    if (behind == SIZE_MAX && ahead == SIZE_MAX) return "not memory of the device";
    if (behind <= ahead) return text(" bytes behind the end of ", behind, std::prev(after)->second, "the allocation");
    return text(" bytes before ", ahead, after->second, "the allocation");
}

} // namespace

CUresult allocate(void **pointer, size_t bytes, int device) {
    if (!pointer || !bytes) return CUDA_ERROR_INVALID_VALUE;
    Memory &all = memory();
    std::lock_guard<std::mutex> hold(all.lock);
    if (settings().fail_allocation && ++all.asked == settings().fail_allocation) {
        complain("allocation %llu, of %zu bytes, fails as was asked for", static_cast<unsigned long long>(all.asked), bytes);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    uint64_t &used = used_by(all, device);
    if (device != HOST && (bytes > settings().memory_bytes || used > settings().memory_bytes - bytes))
        return CUDA_ERROR_OUT_OF_MEMORY;
    size_t page = page_bytes();
    if (bytes >= LARGE && bytes / page > static_cast<size_t>(sysconf(_SC_AVPHYS_PAGES))) {
        complain("%zu bytes were asked for: the device that is emulated has them, the machine has not", bytes);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    size_t inner = round_up(round_up(bytes, ALIGNMENT) + BEFORE, page);
    void *mapped = mmap(nullptr, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    unsigned char *mapping = static_cast<unsigned char *>(mapped);
    if (mprotect(mapping + page, inner, PROT_READ | PROT_WRITE)) {
        munmap(mapped, inner + 2 * page);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    Allocation allocation{};
    allocation.begin = mapping + page + inner - round_up(bytes, ALIGNMENT);
    allocation.bytes = bytes;
    allocation.device = device;
    allocation.mapping = mapping;
    allocation.mapping_bytes = inner + 2 * page;
    allocation.number = ++all.counts.allocations;
    fill_pattern(allocation.begin - BEFORE, BEFORE);
    fill_pattern(allocation.end(), allocation.bytes_behind());
    fill_with_poison(allocation.begin, bytes);
    used += bytes;
    all.counts.live++;
    all.counts.bytes += bytes;
    if (all.counts.bytes > all.counts.peak_bytes) all.counts.peak_bytes = all.counts.bytes;
    all.live[reinterpret_cast<uintptr_t>(allocation.begin)] = allocation;
    *pointer = allocation.begin;
    return CUDA_SUCCESS;
}

CUresult release(const void *pointer, bool is_host, const char *call) {
    Memory &all = memory();
    std::lock_guard<std::mutex> hold(all.lock);
    auto found = all.live.find(reinterpret_cast<uintptr_t>(pointer));
    if (found == all.live.end() || (found->second.device == HOST) != is_host) {
        complain("%s: %p is not the beginning of an allocation: %s", call, pointer,
                 describe(all, reinterpret_cast<uintptr_t>(pointer)).c_str());
        return CUDA_ERROR_INVALID_VALUE;
    }
    check_surroundings(found->second, "something before the memory was freed");
    release_one(all, found);
    return CUDA_SUCCESS;
}

void release_device(int device) {
    Memory &all = memory();
    std::lock_guard<std::mutex> hold(all.lock);
    for (auto next = all.live.begin(); next != all.live.end();) {
        auto found = next++;
        if (found->second.device == device) release_one(all, found);
    }
}

bool lies_in_device_memory(const void *pointer, size_t bytes, int device, const char *call) {
    if (!bytes) return true;
    Memory &all = memory();
    std::lock_guard<std::mutex> hold(all.lock);
    uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
    const Allocation *allocation = find(all.live, address);
    bool inside = allocation && bytes <= reinterpret_cast<uintptr_t>(allocation->end()) - address;
    if (inside && (device < 0 || allocation->device == device || allocation->device == HOST)) return true;
    if (inside) {
        complain("%s: %p is memory of device %d, the context is device %d's", call, pointer, allocation->device, device);
    } else {
        complain("%s: %zu bytes from %p are not in one allocation: %s", call, bytes, pointer, describe(all, address).c_str());
    }
    return false;
}

bool is_host_memory(const void *pointer, const char *call) {
    Memory &all = memory();
    std::lock_guard<std::mutex> hold(all.lock);
    uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
    const Allocation *allocation = find(all.live, address);
    if (!allocation || allocation->device == HOST || pointer == allocation->end()) return true;
    complain("%s: %p is memory of device %d where the host's is expected", call, pointer, allocation->device);
    return false;
}

bool is_argument(const void *pointer, int device) {
    if (!pointer) return true;
    Memory &all = memory();
    std::lock_guard<std::mutex> hold(all.lock);
    const Allocation *allocation = find(all.live, reinterpret_cast<uintptr_t>(pointer));
    return allocation && (allocation->device == device || allocation->device == HOST);
}

bool surroundings_are_whole(const char *after) {
    Memory &all = memory();
    std::lock_guard<std::mutex> hold(all.lock);
    bool whole = true;
    for (auto &entry : all.live) {
        if (!entry.second.complained) whole &= check_surroundings(entry.second, after);
    }
    return whole;
}

void memory_free(int device, size_t *free_bytes, size_t *total_bytes) {
    Memory &all = memory();
    std::lock_guard<std::mutex> hold(all.lock);
    *total_bytes = settings().memory_bytes;
    *free_bytes = settings().memory_bytes - used_by(all, device);
}

MemoryCounts memory_counts() {
    Memory &all = memory();
    std::lock_guard<std::mutex> hold(all.lock);
    return all.counts;
}

std::string describe_address(uintptr_t address) {
    Memory &all = memory();
    std::lock_guard<std::mutex> hold(all.lock);
    return describe(all, address);
}

} // namespace cuda_emulator
