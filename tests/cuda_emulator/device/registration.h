// How a library of kernels says which it has. scripts/cuda-emulator generates, for each .cu file, a file that includes it
// and has a table of entries.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cuda_emulator {

struct Parameter {
    size_t bytes;
    bool is_pointer;
};

struct Kernel {
    const char *name;
    void (*function)();
    // Calls `function` with the values that `arguments` point to.
    void (*call)(void (*function)(), void *const *arguments);
    const Parameter *parameters;
    size_t parameter_count;
};

template <class... A> struct Entry {
    template <size_t... i> static void unpack(void (*kernel)(A...), void *const *arguments, std::index_sequence<i...>) {
        kernel(*static_cast<std::remove_const_t<A> *>(arguments[i])...);
    }
    static void call(void (*function)(), void *const *arguments) {
        unpack(reinterpret_cast<void (*)(A...)>(function), arguments, std::index_sequence_for<A...>());
    }
    // One more than there are, for kernels without parameters.
    static constexpr Parameter parameters[sizeof...(A) + 1] = {{sizeof(A), std::is_pointer<A>::value}..., {0, false}};
};

template <class... A> Kernel entry(const char *name, void (*kernel)(A...)) {
    return {name, reinterpret_cast<void (*)()>(kernel), Entry<A...>::call, Entry<A...>::parameters, sizeof...(A)};
}

} // namespace cuda_emulator
