// The scheduler of a block's fibers, and the collectives in which they wait for each other.
#include "block.h"

#include "report.h"
#include "settings.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <link.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace cuda_emulator {

__thread ThreadView *running = nullptr;
thread_local BlockRunner *BlockRunner::active = nullptr;

// Shared memory of a block, static and dynamic, at most 227 KiB.
static constexpr size_t SHARED_MAPPING = 256 << 10;

void BlockRunner::run_blocks(Run &what) {
    run = &what;
    active = this;
    const Launch &launch = run->launch;
    view.block_dimensions = launch.block;
    view.grid_dimensions = launch.grid;
    view.dynamic_shared_bytes = launch.dynamic_shared_bytes;
    make_fibers();
    place_shared_memory();
    find_static_memory();
    uint64_t blocks = uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
    // With a seed, blocks run in another order too: a step that has no common divisor with their number reaches each once.
    uint64_t step = 1, offset = 0;
    if (uint64_t seed = settings().seed) {
        std::mt19937_64 order(seed);
        offset = order() % blocks;
        do step = order() % blocks + 1;
        while (std::__gcd(step, blocks) != 1);
    }
    for (;;) {
        uint64_t number = run->next_block.fetch_add(1);
        if (number >= blocks || run->error.load() != CUDA_SUCCESS) break;
        run_block(static_cast<uint64_t>((static_cast<unsigned __int128>(number) * step + offset) % blocks));
    }
    active = nullptr;
    run = nullptr;
}

void BlockRunner::make_fibers() {
    const dim3 &block = run->launch.block;
    fiber_count = block.x * block.y * block.z;
    if (fibers.size() < fiber_count) fibers.resize(fiber_count);
    ready.resize(fiber_count + 1);
    alive_lanes.resize((fiber_count + LANES - 1) / LANES);
    waiting_lanes.resize(alive_lanes.size());
    for (unsigned i = 0; i < fiber_count; i++) {
        Fiber &fiber = fibers[i];
        fiber.index = {i % block.x, i / block.x % block.y, i / block.x / block.y};
        fiber.lane = i % LANES;
        fiber.block = &view;
    }
}

// The last byte lies before a page that cannot be touched, so that what is behind it is an error at once.
void BlockRunner::place_shared_memory() {
    if (!dynamic_mapping) {
        size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        void *mapped = mmap(nullptr, SHARED_MAPPING + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED || mprotect(static_cast<unsigned char *>(mapped) + SHARED_MAPPING, page, PROT_NONE)) {
            std::perror("cuda emulator: shared memory");
            std::abort();
        }
        dynamic_mapping = static_cast<unsigned char *>(mapped);
    }
    size_t rounded = (view.dynamic_shared_bytes + 15) / 16 * 16;
    view.dynamic_shared = dynamic_mapping + SHARED_MAPPING - rounded;
}

struct Segment {
    uintptr_t inside;
    unsigned char *begin;
    size_t bytes;
};

// The thread_local variables of the library, in this operating system thread.
void BlockRunner::find_static_memory() {
    const Library *library = run->launch.library;
    Segment segment{reinterpret_cast<uintptr_t>(library->shared_memory()), nullptr, 0};
    dl_iterate_phdr(
        [](dl_phdr_info *object, size_t, void *data) {
            Segment &wanted = *static_cast<Segment *>(data);
            for (int i = 0; i < object->dlpi_phnum; i++) {
                const ElfW(Phdr) &header = object->dlpi_phdr[i];
                if (header.p_type != PT_TLS || !object->dlpi_tls_data) continue;
                uintptr_t begin = reinterpret_cast<uintptr_t>(object->dlpi_tls_data);
                if (wanted.inside < begin || wanted.inside >= begin + header.p_memsz) continue;
                wanted.begin = static_cast<unsigned char *>(object->dlpi_tls_data);
                wanted.bytes = header.p_memsz;
                return 1;
            }
            return 0;
        },
        &segment);
    if (!segment.begin) {
        std::fprintf(stderr, "cuda emulator: the static shared memory of %s was not found\n", library->path);
        std::abort();
    }
    static_memory = segment.begin;
    static_bytes = segment.bytes;
    static_library = library;
}

void BlockRunner::poison_shared_memory() {
    fill_with_poison(view.dynamic_shared, view.dynamic_shared_bytes);
    fill_with_poison(static_memory, static_bytes);
}

void BlockRunner::run_block(uint64_t number) {
    const dim3 &grid = run->launch.grid;
    view.index = {static_cast<unsigned>(number % grid.x), static_cast<unsigned>(number / grid.x % grid.y),
                  static_cast<unsigned>(number / grid.x / grid.y)};
    if (settings().seed) random.seed(settings().seed * 0x9e3779b97f4a7c15 + number);
    poison_shared_memory();
    alive = fiber_count;
    in_block = 0;
    ready_begin = ready_count = 0;
    for (unsigned warp = 0; warp < alive_lanes.size(); warp++) {
        unsigned lanes = std::min<unsigned>(LANES, fiber_count - warp * LANES);
        alive_lanes[warp] = lanes == LANES ? EVERY_LANE : (1u << lanes) - 1;
        waiting_lanes[warp] = 0;
    }
    for (unsigned i = 0; i < fiber_count; i++) {
        Fiber &fiber = fibers[i];
        fiber.stack_pointer = prepare_stack(stacks.top(i), begin_fiber);
        fiber.copies.clear();
        fiber.copy_group = 0;
        make_ready(&fiber);
    }
    // Back when the last fiber has ended or the block was abandoned.
    Fiber *first = next_ready();
    running = first;
    cuda_emulator_switch(&scheduler, first->stack_pointer);
    running = nullptr;
}

void BlockRunner::begin_fiber() {
    const Launch &launch = active->run->launch;
    launch.kernel->call(launch.kernel->function, launch.arguments);
    active->end_fiber();
}

void BlockRunner::make_ready(Fiber *fiber) {
    fiber->state = State::ready;
    ready[(ready_begin + ready_count++) % ready.size()] = fiber;
}

Fiber *BlockRunner::next_ready() {
    if (!ready_count) return nullptr;
    if (settings().seed) {
        size_t chosen = (ready_begin + random() % ready_count) % ready.size();
        std::swap(ready[ready_begin], ready[chosen]);
    }
    Fiber *fiber = ready[ready_begin];
    ready_begin = (ready_begin + 1) % ready.size();
    ready_count--;
    return fiber;
}

void BlockRunner::switch_to_next() {
    Fiber *from = &current(), *to = next_ready();
    if (!to) report_deadlock();
    if (to == from) return;
    running = to;
    cuda_emulator_switch(&from->stack_pointer, to->stack_pointer);
}

void BlockRunner::end_fiber() {
    Fiber &fiber = current();
    finish_copies(fiber, 0);
    fiber.state = State::ended;
    unsigned warp = static_cast<unsigned>(&fiber - fibers.data()) / LANES;
    alive_lanes[warp] &= ~(1u << fiber.lane);
    if (--alive == 0) {
        void *unused;
        cuda_emulator_switch(&unused, scheduler);
    }
    // Others may have waited for this thread alone.
    for (unsigned lanes = alive_lanes[warp]; lanes; lanes &= lanes - 1) {
        Fiber &other = fiber_of(warp, static_cast<unsigned>(__builtin_ctz(lanes)));
        if (other.state == State::in_warp && other.mask >> fiber.lane & 1) complete_warp(warp, other.mask);
    }
    complete_block();
    Fiber *next = next_ready();
    if (!next) report_deadlock();
    running = next;
    void *unused;
    cuda_emulator_switch(&unused, next->stack_pointer);
    std::abort();
}

void BlockRunner::meet_in_warp(const char *name, unsigned mask, void *request, Complete complete) {
    Fiber &fiber = current();
    if (!(mask >> fiber.lane & 1)) fail("%s: the lane %u is not in its own mask %#x", name, fiber.lane, mask);
    fiber.state = State::in_warp;
    fiber.name = name;
    fiber.mask = mask;
    fiber.complete = complete;
    fiber.request = request;
    unsigned warp = static_cast<unsigned>(&fiber - fibers.data()) / LANES;
    waiting_lanes[warp] |= 1u << fiber.lane;
    bool completed = complete_warp(warp, mask);
    // It is among the ready ones now; without a seed it just goes on.
    if (completed && !settings().seed) return;
    switch_to_next();
}

// Completes the collective of these lanes if all of them that have not ended wait in it. Without a seed, the lane that
// completes it goes on and only the others become ready.
bool BlockRunner::complete_warp(unsigned warp, unsigned mask) {
    unsigned members = mask & alive_lanes[warp];
    if (members & ~waiting_lanes[warp]) return false;
    Fiber *first = nullptr;
    for (unsigned lanes = members; lanes; lanes &= lanes - 1) {
        Fiber &fiber = fiber_of(warp, static_cast<unsigned>(__builtin_ctz(lanes)));
        if (fiber.mask != mask) return false;
        if (!first) first = &fiber;
        if (fiber.complete == first->complete) continue;
        fail("warp %u: the lane %u has come to %s and the lane %u to %s, both with the mask %#x", warp, first->lane,
             first->name, fiber.lane, fiber.name, mask);
    }
    void *requests[LANES] = {};
    for (unsigned lanes = members; lanes; lanes &= lanes - 1) {
        unsigned lane = static_cast<unsigned>(__builtin_ctz(lanes));
        requests[lane] = fiber_of(warp, lane).request;
    }
    first->complete(requests, members);
    waiting_lanes[warp] &= ~members;
    for (unsigned lanes = members; lanes; lanes &= lanes - 1) {
        Fiber &fiber = fiber_of(warp, static_cast<unsigned>(__builtin_ctz(lanes)));
        if (&fiber == &current() && !settings().seed) {
            fiber.state = State::ready;
        } else {
            make_ready(&fiber);
        }
    }
    return true;
}

int BlockRunner::meet_in_block(const char *name, Vote vote, bool predicate) {
    Fiber &fiber = current();
    fiber.state = State::in_block;
    fiber.name = name;
    fiber.vote = vote;
    fiber.predicate = predicate;
    in_block++;
    bool completed = complete_block();
    if (!completed || settings().seed) switch_to_next();
    return fiber.voted;
}

bool BlockRunner::complete_block() {
    if (in_block != alive) return false;
    int votes = 0;
    const Fiber *first = nullptr;
    for (unsigned i = 0; i < fiber_count; i++) {
        const Fiber &fiber = fibers[i];
        if (fiber.state != State::in_block) continue;
        if (!first) first = &fiber;
        if (fiber.vote != first->vote) fail("some threads have come to %s and others to %s", first->name, fiber.name);
        votes += fiber.predicate;
    }
    int voted = first->vote == Vote::any ? votes > 0 : first->vote == Vote::all ? votes == static_cast<int>(in_block) : votes;
    in_block = 0;
    for (unsigned i = 0; i < fiber_count; i++) {
        Fiber &fiber = fibers[i];
        if (fiber.state != State::in_block) continue;
        fiber.voted = voted;
        if (&fiber == &current() && !settings().seed) {
            fiber.state = State::ready;
        } else {
            make_ready(&fiber);
        }
    }
    return true;
}

void BlockRunner::report_deadlock() {
    std::string text = "no thread can go on:";
    unsigned told = 0;
    std::string last;
    for (unsigned i = 0; i < fiber_count && told < 12; i++) {
        const Fiber &fiber = fibers[i];
        char where[160];
        if (fiber.state == State::in_block) {
            std::snprintf(where, sizeof where, "in %s", fiber.name);
        } else if (fiber.state == State::in_warp) {
            std::snprintf(where, sizeof where, "in %s with mask %#x", fiber.name, fiber.mask);
        } else {
            std::snprintf(where, sizeof where, "ended");
        }
        if (last == where) continue;
        last = where;
        told++;
        char line[256];
        std::snprintf(line, sizeof line, "\n    from thread (%u, %u, %u), lane %u of warp %u, on: %s", fiber.index.x,
                      fiber.index.y, fiber.index.z, fiber.lane, i / LANES, where);
        text += line;
    }
    abandon(CUDA_ERROR_LAUNCH_TIMEOUT, text.c_str());
}

void BlockRunner::begin_copy(void *shared, const void *global, uint32_t bytes) {
    if (bytes > 16) fail("cp.async: %u bytes of 16", bytes);
    require_shared(shared, 16, "cp.async");
    if (reinterpret_cast<uintptr_t>(shared) % 16) fail("cp.async: a destination that is not aligned to 16 bytes");
    if (reinterpret_cast<uintptr_t>(global) % 16) fail("cp.async: a source that is not aligned to 16 bytes");
    Fiber &fiber = current();
    // With a seed, some copies are done at once: both are allowed.
    unsigned group = settings().seed && random() % 2 ? 0 : fiber.copy_group + 1;
    fiber.copies.push_back({shared, global, bytes, group});
    // The source is read now, so that a bad address is found where it is used.
    volatile unsigned char byte = 0;
    for (uint32_t i = 0; i < bytes; i += 15) byte = static_cast<const volatile unsigned char *>(global)[i];
    (void)byte;
    if (group == 0) finish_copies(fiber, fiber.copy_group + 1);
}

void BlockRunner::commit_copies() { current().copy_group++; }

void BlockRunner::wait_for_copies(int pending) {
    Fiber &fiber = current();
    finish_copies(fiber, static_cast<unsigned>(pending) < fiber.copy_group ? static_cast<unsigned>(pending) : fiber.copy_group);
}

// Does the copies of all committed groups but the last `groups_left`, and those of group 0; for a thread that ends, all.
void BlockRunner::finish_copies(Fiber &fiber, unsigned groups_left) {
    bool ends = fiber.state == State::ended;
    size_t kept = 0;
    for (const AsyncCopy &copy : fiber.copies) {
        if (!ends && copy.group + groups_left > fiber.copy_group && copy.group != 0) {
            fiber.copies[kept++] = copy;
            continue;
        }
        unsigned char *to = static_cast<unsigned char *>(copy.shared);
        std::memcpy(to, copy.global, copy.bytes);
        std::memset(to + copy.bytes, 0, 16 - copy.bytes);
    }
    fiber.copies.resize(kept);
}

void BlockRunner::require_shared(const void *pointer, size_t bytes, const char *what) {
    const unsigned char *begin = static_cast<const unsigned char *>(pointer), *end = begin + bytes;
    if (begin >= view.dynamic_shared && end <= view.dynamic_shared + view.dynamic_shared_bytes) return;
    if (begin >= static_memory && end <= static_memory + static_bytes) return;
    fail("%s: %p is not in the block's shared memory", what, pointer);
}

const char *BlockRunner::describe(uintptr_t address) const {
    uintptr_t end = reinterpret_cast<uintptr_t>(view.dynamic_shared) + view.dynamic_shared_bytes;
    if (stacks.is_overflow(address)) return "the thread's stack is full: too much local memory";
    if (address >= end && address < end + 8192) return "behind the block's dynamic shared memory";
    return nullptr;
}

void BlockRunner::abandon(CUresult error, const char *message) {
    int none = CUDA_SUCCESS;
    // One error of a launch is told; the others are likely its echoes.
    if (run->error.compare_exchange_strong(none, error)) {
        const Fiber &fiber = current();
        complain("kernel %s, block (%u, %u, %u), thread (%u, %u, %u): %s", run->launch.kernel->name, view.index.x, view.index.y,
                 view.index.z, fiber.index.x, fiber.index.y, fiber.index.z, message);
    }
    void *unused;
    cuda_emulator_switch(&unused, scheduler);
    std::abort();
}

void fail(const char *format, ...) {
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (!BlockRunner::active) {
        complain("%s", message);
        std::abort();
    }
    BlockRunner::active->abandon(CUDA_ERROR_LAUNCH_FAILED, message);
}

void meet_in_warp(const char *name, unsigned mask, void *request, Complete complete) {
    BlockRunner::active->meet_in_warp(name, mask, request, complete);
}
int meet_in_block(const char *name, Vote vote, bool predicate) {
    return BlockRunner::active->meet_in_block(name, vote, predicate);
}
void begin_copy(void *shared, const void *global, uint32_t bytes) { BlockRunner::active->begin_copy(shared, global, bytes); }
void commit_copies() { BlockRunner::active->commit_copies(); }
void wait_for_copies(int pending) { BlockRunner::active->wait_for_copies(pending); }
void require_shared(const void *pointer, size_t bytes, const char *what) {
    BlockRunner::active->require_shared(pointer, bytes, what);
}

} // namespace cuda_emulator
