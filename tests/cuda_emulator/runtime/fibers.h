// Fibers: threads of a kernel that take turns on one operating system thread, and the stacks that they run on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cuda_emulator {

// Puts the running fiber's registers on its stack, leaves its stack pointer in `from` and goes on where `to` was left.
extern "C" void cuda_emulator_switch(void **from, void *to);

// A stack pointer that cuda_emulator_switch can go to: `entry` begins on this stack. It must not return.
void *prepare_stack(unsigned char *top, void (*entry)());

// Stacks with a page behind each that cannot be touched, made when they are first asked for and kept.
class Stacks {
  public:
    static constexpr size_t BYTES = 128 << 10;

    unsigned char *top(unsigned number);
    // Whether this address is in the page behind one of the stacks.
    bool is_overflow(uintptr_t address) const;

  private:
    static constexpr unsigned MOST = 1024;

    unsigned char *begin = nullptr;
    unsigned ready = 0;
};

} // namespace cuda_emulator
