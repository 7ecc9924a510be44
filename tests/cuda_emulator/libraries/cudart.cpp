// libcudart: what nvcc's host code of candle's precompiled kernels calls before main. Their launches are not emulated.
#include <cstdio>
#include <driver_types.h>

extern "C" {
void **__cudaRegisterFatBinary(void *) {
    static void *handle;
    return &handle;
}
void __cudaRegisterFatBinaryEnd(void **) {}
void __cudaUnregisterFatBinary(void **) {}
void __cudaRegisterFunction(void **, const char *, char *, const char *, int, void *, void *, void *, void *, int *) {}
void __cudaRegisterVar(void **, char *, char *, const char *, int, size_t, int, int) {}
char __cudaInitModule(void **) { return 1; }
unsigned __cudaPushCallConfiguration(dim3, dim3, size_t, void *) { return 0; }
cudaError_t __cudaPopCallConfiguration(dim3 *, dim3 *, size_t *, void *) { return cudaErrorNotSupported; }
cudaError_t cudaGetLastError() { return cudaSuccess; }
const char *cudaGetErrorString(cudaError_t) { return "not emulated"; }
const char *cudaGetErrorName(cudaError_t) { return "cudaErrorNotSupported"; }
cudaError_t __cudaGetKernel(void **, const void *) {
    std::fprintf(stderr, "cuda emulator: a kernel of the runtime library is not emulated\n");
    return cudaErrorNotSupported;
}
cudaError_t __cudaLaunchKernel(void *, dim3, dim3, void **, size_t, void *) { return cudaErrorNotSupported; }
cudaError_t __cudaLaunchKernel_ptsz(void *, dim3, dim3, void **, size_t, void *) { return cudaErrorNotSupported; }
}
