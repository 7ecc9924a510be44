// Atomic operations. Blocks run on several operating system threads, so that these are atomic for the CPU.
#pragma once

#include "half.h"

#include <cstdint>
#include <type_traits>

namespace cuda_emulator {

template <size_t bytes> struct Word;
template <> struct Word<2> {
    using Type = uint16_t;
};
template <> struct Word<4> {
    using Type = uint32_t;
};
template <> struct Word<8> {
    using Type = uint64_t;
};

// Replaces *pointer by change(*pointer) and gives what was there.
template <class T, class Change> inline T atomic_change(T *pointer, Change change) {
    using Bits = typename Word<sizeof(T)>::Type;
    Bits *word = reinterpret_cast<Bits *>(pointer);
    Bits before = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    for (;;) {
        T old;
        __builtin_memcpy(static_cast<void *>(&old), &before, sizeof old);
        T replacement = change(old);
        Bits after;
        __builtin_memcpy(&after, static_cast<const void *>(&replacement), sizeof after);
        if (__atomic_compare_exchange_n(word, &before, after, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return old;
    }
}

template <class T> struct Same {
    using Type = T;
};
// The other arguments convert to the pointer's type, as CUDA's overloads have them.
template <class T> using Argument = typename Same<T>::Type;

} // namespace cuda_emulator

template <class T> inline T atomicAdd(T *pointer, cuda_emulator::Argument<T> value) {
    return cuda_emulator::atomic_change(pointer, [=](T old) { return static_cast<T>(old + value); });
}
template <class T> inline T atomicSub(T *pointer, cuda_emulator::Argument<T> value) {
    return cuda_emulator::atomic_change(pointer, [=](T old) { return static_cast<T>(old - value); });
}
template <class T> inline T atomicMax(T *pointer, cuda_emulator::Argument<T> value) {
    static_assert(std::is_integral<T>::value, "CUDA has atomicMax for integers only");
    return cuda_emulator::atomic_change(pointer, [=](T old) { return old < value ? value : old; });
}
template <class T> inline T atomicMin(T *pointer, cuda_emulator::Argument<T> value) {
    static_assert(std::is_integral<T>::value, "CUDA has atomicMin for integers only");
    return cuda_emulator::atomic_change(pointer, [=](T old) { return value < old ? value : old; });
}
template <class T> inline T atomicExch(T *pointer, cuda_emulator::Argument<T> value) {
    return cuda_emulator::atomic_change(pointer, [=](T) { return value; });
}
template <class T> inline T atomicAnd(T *pointer, cuda_emulator::Argument<T> value) {
    return cuda_emulator::atomic_change(pointer, [=](T old) { return old & value; });
}
template <class T> inline T atomicOr(T *pointer, cuda_emulator::Argument<T> value) {
    return cuda_emulator::atomic_change(pointer, [=](T old) { return old | value; });
}
template <class T> inline T atomicXor(T *pointer, cuda_emulator::Argument<T> value) {
    return cuda_emulator::atomic_change(pointer, [=](T old) { return old ^ value; });
}
inline unsigned atomicInc(unsigned *pointer, unsigned last) {
    return cuda_emulator::atomic_change(pointer, [=](unsigned old) { return old >= last ? 0u : old + 1; });
}
inline unsigned atomicDec(unsigned *pointer, unsigned last) {
    return cuda_emulator::atomic_change(pointer, [=](unsigned old) { return old == 0 || old > last ? last : old - 1; });
}
template <class T> inline T atomicCAS(T *pointer, cuda_emulator::Argument<T> expected, cuda_emulator::Argument<T> value) {
    static_assert(std::is_integral<T>::value, "CUDA has atomicCAS for integers only");
    return cuda_emulator::atomic_change(pointer, [=](T old) { return old == expected ? value : old; });
}
