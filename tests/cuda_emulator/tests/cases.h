// Cases run each in a process of their own, with their own environment: an error of a launch stays.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cuda.h>
#include <vector_types.h>
#include <string>
#include <vector>

struct Case {
    const char *name;
    void (*function)();
    // NAME=VALUE each.
    std::vector<const char *> environment;
    // What standard error must have; without any, it must be empty.
    std::vector<const char *> says;

    Case(const char *name, void (*function)(), std::vector<const char *> environment, std::vector<const char *> says);
};

#define CASE(name, ...)                                                                                                        \
    static void name();                                                                                                        \
    static const Case case_of_##name(#name, name, __VA_ARGS__);                                                                \
    static void name()

using List = std::vector<const char *>;

#define EXPECT(condition)                                                                                                      \
    do {                                                                                                                       \
        if (!(condition)) {                                                                                                    \
            std::printf("    %s:%d: %s\n", __FILE__, __LINE__, #condition);                                                    \
            std::exit(1);                                                                                                      \
        }                                                                                                                      \
    } while (0)

#define EXPECT_EQUAL(given, expected)                                                                                          \
    do {                                                                                                                       \
        double given_value = static_cast<double>(given), expected_value = static_cast<double>(expected);                       \
        if (!(given_value == expected_value)) {                                                                                \
            std::printf("    %s:%d: %s is %g, expected %s, %g\n", __FILE__, __LINE__, #given, given_value, #expected,          \
                        expected_value);                                                                                       \
            std::exit(1);                                                                                                      \
        }                                                                                                                      \
    } while (0)

// A context of device 0 on this thread.
void begin();
std::string read_file(const std::string &path);
// The folder with the tests' PTX.
extern std::string folder;

CUfunction kernel(const char *name);

// Memory of the device that is given back, unless nothing works any more.
template <class T> struct Buffer {
    CUdeviceptr pointer = 0;
    size_t count;
    explicit Buffer(size_t count) : count(count) { EXPECT(cuMemAlloc(&pointer, count * sizeof(T)) == CUDA_SUCCESS); }
    explicit Buffer(const std::vector<T> &values) : Buffer(values.size()) {
        EXPECT(cuMemcpyHtoD(pointer, values.data(), values.size() * sizeof(T)) == CUDA_SUCCESS);
    }
    Buffer(const Buffer &) = delete;
    ~Buffer() { cuMemFree(pointer); }
    std::vector<T> read() const {
        std::vector<T> values(count);
        EXPECT(cuMemcpyDtoH(values.data(), pointer, count * sizeof(T)) == CUDA_SUCCESS);
        return values;
    }
};

struct Size {
    dim3 grid, block;
    unsigned dynamic_shared_bytes = 0;
};

template <class... A> CUresult launch(const char *name, const Size &size, A... arguments) {
    void *pointers[] = {&arguments..., nullptr};
    return cuLaunchKernel(kernel(name), size.grid.x, size.grid.y, size.grid.z, size.block.x, size.block.y, size.block.z,
                          size.dynamic_shared_bytes, nullptr, pointers, nullptr);
}
