// Operating system threads that run a launch's blocks, and the faults of the CPU as errors of the kernel.
#include "launch.h"

#include "../driver/memory.h"
#include "block.h"
#include "report.h"
#include "settings.h"

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <ucontext.h>
#include <vector>

namespace cuda_emulator {
namespace {

constexpr int FAULTS[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
struct sigaction before[NSIG];

// Empty where the machine does not say.
const char *access_kind(const void *context) {
#if defined(__x86_64__)
    return static_cast<const ucontext_t *>(context)->uc_mcontext.gregs[REG_ERR] & 2 ? "a write to" : "a read of";
#else
    (void)context;
    return "an access to";
#endif
}

// In a kernel, leaves the block for good: its fibers' stacks are used again from their tops. Elsewhere, what was there
// before is asked.
void on_fault(int signal, siginfo_t *info, void *context) {
    BlockRunner *runner = BlockRunner::active;
    if (!runner || !running) {
        sigaction(signal, &before[signal], nullptr);
        return;
    }
    if (signal == SIGILL) runner->abandon(CUDA_ERROR_ILLEGAL_INSTRUCTION, "a trap");
    if (signal == SIGFPE) runner->abandon(CUDA_ERROR_ILLEGAL_INSTRUCTION, "a division of an integer by zero");
    uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
    const char *own = runner->describe(address);
    std::string what = own ? own : describe_address(address);
    char message[512];
    std::snprintf(message, sizeof message, "%s %p: %s", access_kind(context), info->si_addr, what.c_str());
    runner->abandon(CUDA_ERROR_ILLEGAL_ADDRESS, message);
}

void watch_faults() {
    static std::once_flag once;
    std::call_once(once, [] {
        for (int signal : FAULTS) {
            struct sigaction action = {};
            action.sa_sigaction = on_fault;
            // Not deferred: the handler is left by a switch, never by a return.
            action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
            sigaction(signal, &action, &before[signal]);
        }
    });
}

// A full stack cannot hold the handler's frame. Rust gives its threads such a stack, C++ does not.
void ensure_signal_stack() {
    static thread_local bool ensured = false;
    if (ensured) return;
    ensured = true;
    stack_t stack = {};
    if (sigaltstack(nullptr, &stack) || !(stack.ss_flags & SS_DISABLE)) return;
    stack.ss_size = 64 << 10;
    void *mapped = mmap(nullptr, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return;
    stack.ss_sp = mapped;
    stack.ss_flags = 0;
    sigaltstack(&stack, nullptr);
}

// The helpers wait for launches for as long as the process lives.
class Helpers {
  public:
    explicit Helpers(int count) : count(count) {
        for (int i = 0; i < count; i++) std::thread([this] { work(); }).detach();
    }

    // Has them run blocks beside the caller.
    void help(Run &run, BlockRunner &own) {
        {
            std::lock_guard<std::mutex> hold(lock);
            current = &run;
            generation++;
            busy = count;
        }
        wake.notify_all();
        own.run_blocks(run);
        std::unique_lock<std::mutex> hold(lock);
        done.wait(hold, [this] { return busy == 0; });
        current = nullptr;
    }

  private:
    void work() {
        sigset_t every;
        sigfillset(&every);
        for (int signal : FAULTS) sigdelset(&every, signal);
        pthread_sigmask(SIG_BLOCK, &every, nullptr);
        ensure_signal_stack();
        BlockRunner runner;
        uint64_t seen = 0;
        for (;;) {
            std::unique_lock<std::mutex> hold(lock);
            wake.wait(hold, [&] { return generation != seen; });
            seen = generation;
            Run *run = current;
            hold.unlock();
            runner.run_blocks(*run);
            hold.lock();
            if (--busy == 0) done.notify_all();
        }
    }

    std::mutex lock;
    std::condition_variable wake, done;
    Run *current = nullptr;
    uint64_t generation = 0;
    int busy = 0;
    int count;
};

} // namespace

CUresult run(const Launch &launch) {
    static std::mutex one_at_a_time;
    static BlockRunner *own = new BlockRunner;
    std::lock_guard<std::mutex> hold(one_at_a_time);
    watch_faults();
    ensure_signal_stack();
    Run run(launch);
    uint64_t blocks = uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
    if (blocks == 1 || settings().threads == 1) {
        own->run_blocks(run);
    } else {
        static Helpers *helpers = new Helpers(settings().threads - 1);
        helpers->help(run, *own);
    }
    return static_cast<CUresult>(run.error.load());
}

} // namespace cuda_emulator
