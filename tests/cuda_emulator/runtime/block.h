// A block of threads as fibers, and the order in which they run.
#pragma once

#include "../device/meeting.h"
#include "fibers.h"
#include "launch.h"

#include <atomic>
#include <random>
#include <vector>

namespace cuda_emulator {

enum class State { ready, in_warp, in_block, ended };

struct AsyncCopy {
    void *shared;
    const void *global;
    uint32_t bytes;
    unsigned group;
};

struct Fiber : ThreadView {
    void *stack_pointer;
    State state;
    // What it waits in.
    const char *name;
    unsigned mask;
    Complete complete;
    void *request;
    Vote vote;
    bool predicate;
    int voted;
    std::vector<AsyncCopy> copies;
    unsigned copy_group;
};

// What the operating system threads of one launch share.
struct Run {
    const Launch &launch;
    std::atomic<uint64_t> next_block{0};
    std::atomic<int> error{CUDA_SUCCESS};
    explicit Run(const Launch &what) : launch(what) {}
};

// Runs blocks on the operating system thread that calls it, which is its own until the launch has ended.
class BlockRunner {
  public:
    void run_blocks(Run &run);

    void meet_in_warp(const char *name, unsigned mask, void *request, Complete complete);
    int meet_in_block(const char *name, Vote vote, bool predicate);
    void begin_copy(void *shared, const void *global, uint32_t bytes);
    void commit_copies();
    void wait_for_copies(int pending);
    void require_shared(const void *pointer, size_t bytes, const char *what);

    // Tells of an error in the running thread and leaves the block.
    [[noreturn]] void abandon(CUresult error, const char *message);
    // What is at this address, if it is something of this block's.
    const char *describe(uintptr_t address) const;

    // The runner of this operating system thread, null outside a launch.
    static thread_local BlockRunner *active;

  private:
    static void begin_fiber();

    void run_block(uint64_t number);
    void make_fibers();
    void place_shared_memory();
    void poison_shared_memory();
    void find_static_memory();
    Fiber *next_ready();
    void switch_to_next();
    void make_ready(Fiber *fiber);
    bool complete_warp(unsigned warp, unsigned mask);
    bool complete_block();
    void end_fiber();
    void finish_copies(Fiber &fiber, unsigned groups_left);
    [[noreturn]] void report_deadlock();
    Fiber &fiber_of(unsigned warp, unsigned lane) { return fibers[warp * LANES + lane]; }
    Fiber &current() { return *static_cast<Fiber *>(running); }

    Run *run = nullptr;
    BlockView view{};
    Stacks stacks;
    std::vector<Fiber> fibers;
    unsigned fiber_count = 0;
    // Lanes that have not ended, by warp.
    std::vector<unsigned> alive_lanes;
    // Those of them that wait in a collective of the warp.
    std::vector<unsigned> waiting_lanes;
    unsigned alive = 0;
    unsigned in_block = 0;
    // A ring, so that threads run in the order in which they became ready; with a seed, one is taken from anywhere.
    std::vector<Fiber *> ready;
    size_t ready_begin = 0, ready_count = 0;
    std::mt19937_64 random;
    void *scheduler = nullptr;

    unsigned char *dynamic_mapping = nullptr;
    unsigned char *static_memory = nullptr;
    size_t static_bytes = 0;
    const Library *static_library = nullptr;
};

} // namespace cuda_emulator
