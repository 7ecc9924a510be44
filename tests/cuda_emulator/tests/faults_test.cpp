// Errors of kernels and of the program, which must be told and must fail.
#include "cases.h"

static const List WITHOUT_HELPERS = {"NEARSAY_EMULATOR_THREADS=1"};

// After a fault every call fails.
static void expect_stays(CUresult error) {
    CUdeviceptr pointer;
    EXPECT(cuCtxSynchronize() == error);
    EXPECT(cuMemAlloc(&pointer, 4) == error);
    EXPECT(cuStreamSynchronize(nullptr) == error);
}

CASE(a_lane_that_does_not_come, {}, List({"kernel lane_missing", "no thread can go on", "__shfl_sync", "__syncthreads"})) {
    begin();
    Buffer<int> output(32);
    EXPECT(launch("lane_missing", {1, 32}, output.pointer) == CUDA_ERROR_LAUNCH_TIMEOUT);
    expect_stays(CUDA_ERROR_LAUNCH_TIMEOUT);
}

CASE(different_collectives_in_a_warp, {}, List({"kernel mixed", "__shfl_sync", "__any_sync"})) {
    begin();
    Buffer<int> output(32);
    EXPECT(launch("mixed", {1, 32}, output.pointer) == CUDA_ERROR_LAUNCH_FAILED);
    expect_stays(CUDA_ERROR_LAUNCH_FAILED);
}

CASE(a_write_just_behind_an_allocation, {}, List({"kernel write_at wrote out of bounds: 0 bytes behind the end"})) {
    begin();
    Buffer<float> output(10);
    EXPECT(launch("write_at", {1, 1}, output.pointer, 10LL) == CUDA_ERROR_ILLEGAL_ADDRESS);
    expect_stays(CUDA_ERROR_ILLEGAL_ADDRESS);
}

CASE(a_write_just_before_an_allocation, {}, List({"kernel write_at wrote out of bounds: 4 bytes before"})) {
    begin();
    Buffer<float> output(10);
    EXPECT(launch("write_at", {1, 1}, output.pointer, -1LL) == CUDA_ERROR_ILLEGAL_ADDRESS);
}

CASE(a_write_far_behind_an_allocation, {},
     List({"kernel write_at, block (0, 0, 0), thread (0, 0, 0)", "bytes behind the end of the allocation 1 of 40 bytes"})) {
    begin();
    Buffer<float> output(10);
    EXPECT(launch("write_at", {1, 1}, output.pointer, 100LL) == CUDA_ERROR_ILLEGAL_ADDRESS);
    expect_stays(CUDA_ERROR_ILLEGAL_ADDRESS);
}

CASE(a_read_far_before_an_allocation, WITHOUT_HELPERS, List({"kernel read_at", "bytes before the allocation"})) {
    begin();
    Buffer<float> output(10);
    EXPECT(launch("read_at", {1, 1}, output.pointer, output.pointer, -2000LL) == CUDA_ERROR_ILLEGAL_ADDRESS);
}

CASE(a_read_of_freed_memory, {}, List({"argument 0", "the freed allocation"})) {
    begin();
    Buffer<float> output(10);
    CUdeviceptr freed;
    EXPECT(cuMemAlloc(&freed, 400) == CUDA_SUCCESS && cuMemFree(freed) == CUDA_SUCCESS);
    EXPECT(launch("read_at", {1, 1}, freed, output.pointer, 0LL) == CUDA_ERROR_ILLEGAL_ADDRESS);
}

CASE(a_pointer_into_freed_memory, {}, List({"kernel read_at", "a read of", "8 bytes into the freed allocation 2"})) {
    begin();
    Buffer<float> output(10);
    CUdeviceptr freed;
    EXPECT(cuMemAlloc(&freed, 400) == CUDA_SUCCESS && cuMemFree(freed) == CUDA_SUCCESS);
    long long index = (static_cast<long long>(freed) - static_cast<long long>(output.pointer)) / 4 + 2;
    EXPECT(launch("read_at", {1, 1}, output.pointer, output.pointer, index) == CUDA_ERROR_ILLEGAL_ADDRESS);
}

CASE(a_write_behind_dynamic_shared_memory, {}, List({"kernel write_shared_at", "behind the block's dynamic shared memory"})) {
    begin();
    Buffer<float> output(1);
    EXPECT(launch("write_shared_at", {1, 1, 64}, output.pointer, 16) == CUDA_ERROR_ILLEGAL_ADDRESS);
}

CASE(the_last_of_dynamic_shared_memory, {}, {}) {
    begin();
    Buffer<float> output(1);
    EXPECT(launch("write_shared_at", {1, 1, 64}, output.pointer, 15) == CUDA_SUCCESS);
}

CASE(an_index_out_of_an_array, {}, List({"kernel write_array_at", "kernels.cu:", "index 16 is out of the bounds"})) {
    begin();
    Buffer<float> output(1);
    EXPECT(launch("write_array_at", {1, 1}, output.pointer, 16) == CUDA_ERROR_ILLEGAL_ADDRESS);
}

CASE(a_vector_that_is_not_aligned, {}, List({"kernel vector_at", "is not aligned to 16 bytes"})) {
    begin();
    Buffer<float> values(std::vector<float>(16)), output(4);
    EXPECT(launch("vector_at", {1, 1}, values.pointer, output.pointer, 4) == CUDA_SUCCESS);
    EXPECT(launch("vector_at", {1, 1}, values.pointer, output.pointer, 1) == CUDA_ERROR_MISALIGNED_ADDRESS);
}

CASE(too_much_local_memory, {}, List({"kernel recursion", "the thread's stack is full"})) {
    begin();
    Buffer<int> output(1);
    EXPECT(launch("recursion", {1, 1}, output.pointer, 1000) == CUDA_ERROR_ILLEGAL_ADDRESS);
}

CASE(a_division_by_zero, {}, List({"kernel divide", "a division of an integer by zero"})) {
    begin();
    Buffer<int> output(1);
    EXPECT(launch("divide", {1, 1}, output.pointer, 0) == CUDA_ERROR_ILLEGAL_INSTRUCTION);
}

CASE(a_fault_of_one_block_among_many, List({"NEARSAY_EMULATOR_THREADS=4"}),
     List({"kernel atomics", "null, or an offset from it"})) {
    begin();
    Buffer<int> counts(std::vector<int>(6));
    Buffer<float> sum(std::vector<float>(1));
    EXPECT(launch("atomics", {64, 100}, counts.pointer, sum.pointer, CUdeviceptr{0}) == CUDA_ERROR_ILLEGAL_ADDRESS);
    expect_stays(CUDA_ERROR_ILLEGAL_ADDRESS);
}

CASE(a_launch_that_is_to_fail, {"NEARSAY_EMULATOR_FAIL_LAUNCH=3"}, List({"launch 3, of write_at"})) {
    begin();
    Buffer<float> output(1);
    for (int i = 0; i < 2; i++) EXPECT(launch("write_at", {1, 1}, output.pointer, 0LL) == CUDA_SUCCESS);
    EXPECT(launch("write_at", {1, 1}, output.pointer, 0LL) == CUDA_ERROR_LAUNCH_FAILED);
    expect_stays(CUDA_ERROR_LAUNCH_FAILED);
}

CASE(too_little_memory, {"NEARSAY_EMULATOR_MEMORY=1000"}, {}) {
    begin();
    size_t free = 0, total = 0;
    EXPECT(cuMemGetInfo(&free, &total) == CUDA_SUCCESS);
    EXPECT_EQUAL(total, 1000);
    CUdeviceptr first, second;
    EXPECT(cuMemAllocAsync(&first, 600, nullptr) == CUDA_SUCCESS);
    EXPECT(cuMemAllocAsync(&second, 600, nullptr) == CUDA_ERROR_OUT_OF_MEMORY);
    EXPECT(cuMemFreeAsync(first, nullptr) == CUDA_SUCCESS);
    EXPECT(cuMemAlloc(&second, 600) == CUDA_SUCCESS);
}

CASE(memory_of_no_bytes, {}, {}) {
    begin();
    CUdeviceptr pointer = 1;
    EXPECT(cuMemAlloc(&pointer, 0) == CUDA_ERROR_INVALID_VALUE);
    EXPECT(cuMemAllocAsync(&pointer, 0, nullptr) == CUDA_SUCCESS && pointer == 0);
    EXPECT(cuMemcpyHtoD(pointer, &pointer, 0) == CUDA_SUCCESS && cuMemsetD8(pointer, 0, 0) == CUDA_SUCCESS);
    EXPECT(cuMemFreeAsync(pointer, nullptr) == CUDA_SUCCESS);
}

CASE(no_device, {"NEARSAY_EMULATOR_DEVICES=0"}, {}) { EXPECT(cuInit(0) == CUDA_ERROR_NO_DEVICE); }

CASE(three_devices, {"NEARSAY_EMULATOR_DEVICES=3"}, List({"is memory of device 0, the context is device 2's"})) {
    begin();
    int count = 0;
    EXPECT(cuDeviceGetCount(&count) == CUDA_SUCCESS && count == 3);
    CUdevice device;
    EXPECT(cuDeviceGet(&device, 3) == CUDA_ERROR_INVALID_DEVICE);
    EXPECT(cuDeviceGet(&device, 2) == CUDA_SUCCESS);
    Buffer<float> on_first(1);
    CUcontext context;
    EXPECT(cuDevicePrimaryCtxRetain(&context, device) == CUDA_SUCCESS && cuCtxSetCurrent(context) == CUDA_SUCCESS);
    float value = 0;
    EXPECT(cuMemcpyDtoH(&value, on_first.pointer, 4) == CUDA_ERROR_INVALID_VALUE);
}

CASE(before_initialisation, {}, {}) {
    int count;
    EXPECT(cuDeviceGetCount(&count) == CUDA_ERROR_NOT_INITIALIZED);
    EXPECT(cuInit(0) == CUDA_SUCCESS);
    CUdeviceptr pointer;
    EXPECT(cuMemAlloc(&pointer, 4) == CUDA_ERROR_INVALID_CONTEXT);
}

CASE(copies_out_of_bounds, {},
     List({"cuMemcpyHtoD: 44 bytes", "cuMemcpyDtoH: 4 bytes", "where the host's is expected", "overlap"})) {
    begin();
    Buffer<float> memory(10);
    std::vector<float> values(11);
    EXPECT(cuMemcpyHtoD(memory.pointer, values.data(), 44) == CUDA_ERROR_INVALID_VALUE);
    EXPECT(cuMemcpyDtoH(values.data(), memory.pointer - 4, 4) == CUDA_ERROR_INVALID_VALUE);
    EXPECT(cuMemcpyHtoD(memory.pointer, reinterpret_cast<void *>(memory.pointer), 4) == CUDA_ERROR_INVALID_VALUE);
    EXPECT(cuMemcpyDtoD(memory.pointer, memory.pointer + 4, 8) == CUDA_ERROR_INVALID_VALUE);
    EXPECT(cuMemcpyHtoD(memory.pointer, values.data(), 40) == CUDA_SUCCESS);
}

CASE(what_is_freed_twice, {}, List({"cuMemFree", "is not the beginning of an allocation"})) {
    begin();
    CUdeviceptr pointer;
    EXPECT(cuMemAlloc(&pointer, 4) == CUDA_SUCCESS);
    EXPECT(cuMemFree(pointer) == CUDA_SUCCESS);
    EXPECT(cuMemFree(pointer) == CUDA_ERROR_INVALID_VALUE);
}

CASE(launches_beyond_the_limits, {},
     List({"a dimension of 0", "too large a grid", "too large a block", "more dynamic shared memory",
           "its launch bounds are 64"})) {
    begin();
    Buffer<float> output(1);
    EXPECT(launch("write_at", {0, 1}, output.pointer, 0LL) == CUDA_ERROR_INVALID_VALUE);
    EXPECT(launch("write_at", {dim3(1, 65536, 1), 1}, output.pointer, 0LL) == CUDA_ERROR_INVALID_VALUE);
    EXPECT(launch("write_at", {1, 1025}, output.pointer, 0LL) == CUDA_ERROR_INVALID_VALUE);
    EXPECT(launch("write_shared_at", {1, 1, 49153}, output.pointer, 0) == CUDA_ERROR_INVALID_VALUE);
    EXPECT(launch("write_shared_at", {1, 1, 49152}, output.pointer, 49148 / 4) == CUDA_SUCCESS);
    EXPECT(cuFuncSetAttribute(kernel("write_shared_at"), CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 232449) ==
           CUDA_ERROR_INVALID_VALUE);
    EXPECT(cuFuncSetAttribute(kernel("write_shared_at"), CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 232448) ==
           CUDA_SUCCESS);
    EXPECT(launch("write_shared_at", {1, 1, 232448}, output.pointer, 232444 / 4) == CUDA_SUCCESS);
    int bytes = 0;
    EXPECT(cuFuncGetAttribute(&bytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, kernel("block_sum")) == CUDA_SUCCESS &&
           bytes == 128);
    // 128 bytes of static shared memory count too.
    EXPECT(launch("block_sum", {1, 32, 49152 - 127}, output.pointer, output.pointer, 0u) == CUDA_ERROR_INVALID_VALUE);
    EXPECT(launch("block_sum", {1, 32, 49152 - 128}, output.pointer, output.pointer, 0u) == CUDA_SUCCESS);
    CUmodule module;
    std::string text = read_file(folder + "/kernels.ptx");
    size_t at = text.find(".maxntid 1024");
    EXPECT(at != std::string::npos);
    text.replace(at, 13, ".maxntid 64  ");
    EXPECT(cuModuleLoadData(&module, text.c_str()) == CUDA_SUCCESS);
    CUfunction function;
    EXPECT(cuModuleGetFunction(&function, module, "block_sum") == CUDA_SUCCESS);
    void *none[4] = {};
    EXPECT(cuLaunchKernel(function, 1, 1, 1, 65, 1, 1, 0, nullptr, none, nullptr) == CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
}

CASE(kernels_that_are_not_emulated, {},
     List({"the kernel stranger is not emulated", "the kernel write_at has other parameters"})) {
    begin();
    const char *text = ".version 9.0\n.target sm_90\n.address_size 64\n"
                       ".visible .entry stranger(.param .u64 a, .param .align 8 .b8 b[24])\n{ ret; }\n"
                       ".visible .entry write_at(.param .u64 .ptr .global .align 4 a, .param .u32 b)\n{ ret; }\n";
    CUmodule module;
    EXPECT(cuModuleLoadData(&module, text) == CUDA_SUCCESS);
    CUfunction function;
    void *none[4] = {};
    EXPECT(cuModuleGetFunction(&function, module, "nobody") == CUDA_ERROR_NOT_FOUND);
    EXPECT(cuModuleGetFunction(&function, module, "stranger") == CUDA_SUCCESS);
    EXPECT(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, none, nullptr) == CUDA_ERROR_NOT_SUPPORTED);
    EXPECT(cuModuleGetFunction(&function, module, "write_at") == CUDA_SUCCESS);
    EXPECT(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, none, nullptr) == CUDA_ERROR_NOT_SUPPORTED);
    EXPECT(cuModuleUnload(module) == CUDA_SUCCESS);
}

static CUresult load(const char *header) {
    CUmodule module;
    return cuModuleLoadData(&module, (std::string(header) + "\n.address_size 64\n").c_str());
}

CASE(another_device, List({"NEARSAY_EMULATOR_COMPUTE_CAPABILITY=86", "NEARSAY_EMULATOR_DRIVER_VERSION=12060"}),
     List({"PTX for sm_90, the device is sm_86", "PTX of version 9.0, the driver knows up to 8.5"})) {
    begin();
    int value = 0;
    EXPECT(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0) == CUDA_SUCCESS && value == 8);
    EXPECT(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 0) == CUDA_SUCCESS &&
           value == 99 << 10);
    EXPECT(cuDriverGetVersion(&value) == CUDA_SUCCESS && value == 12060);
    EXPECT(load(".version 8.5\n.target sm_86") == CUDA_SUCCESS);
    EXPECT(load(".version 8.5\n.target sm_90a") == CUDA_ERROR_NO_BINARY_FOR_GPU);
    EXPECT(load(".version 9.0\n.target sm_80") == CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
}

CASE(an_allocation_that_is_to_fail, {"NEARSAY_EMULATOR_FAIL_ALLOCATION=2"}, List({"allocation 2, of 8 bytes"})) {
    begin();
    CUdeviceptr pointer;
    EXPECT(cuMemAlloc(&pointer, 4) == CUDA_SUCCESS);
    EXPECT(cuMemAlloc(&pointer, 8) == CUDA_ERROR_OUT_OF_MEMORY);
    EXPECT(cuMemAlloc(&pointer, 8) == CUDA_SUCCESS);
}

CASE(handles_that_are_gone, {}, List({"is no stream", "is no event"})) {
    begin();
    CUstream stream;
    CUevent event, other;
    EXPECT(cuStreamCreate(&stream, 0) == CUDA_SUCCESS && cuEventCreate(&event, 0) == CUDA_SUCCESS &&
           cuEventCreate(&other, 0) == CUDA_SUCCESS);
    EXPECT(cuEventRecord(event, stream) == CUDA_SUCCESS && cuEventRecord(other, stream) == CUDA_SUCCESS);
    float milliseconds = -1;
    EXPECT(cuEventElapsedTime(&milliseconds, event, other) == CUDA_SUCCESS && milliseconds >= 0);
    EXPECT(cuStreamDestroy(stream) == CUDA_SUCCESS && cuEventDestroy(event) == CUDA_SUCCESS);
    EXPECT(cuStreamSynchronize(stream) == CUDA_ERROR_INVALID_HANDLE);
    EXPECT(cuEventSynchronize(event) == CUDA_ERROR_INVALID_HANDLE);
}

CASE(what_is_not_emulated, {}, List({"cuArrayDestroy is not emulated"})) {
    begin();
    EXPECT(cuArrayDestroy(nullptr) == CUDA_ERROR_NOT_SUPPORTED);
}

CASE(counts, {"NEARSAY_EMULATOR_LOG=1"},
     List({"2  write_at", "at most 400 bytes at once", "0 bytes in 0 allocations not freed",
           "400 to the device, 400 from it"})) {
    begin();
    Buffer<float> output(std::vector<float>(100));
    for (int i = 0; i < 2; i++) EXPECT(launch("write_at", {1, 1}, output.pointer, 0LL) == CUDA_SUCCESS);
    output.read();
}
