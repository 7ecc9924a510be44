// libcurand: generators that can be made and destroyed, as candle does for every device, and uniform numbers of its own.
#include "../driver/driver.h"

#include <curand.h>
#include <random>

using namespace cuda_emulator;

struct curandGenerator_st {
    std::mt19937_64 engine;
};

CUDA_EMULATOR_API curandStatus_t curandCreateGenerator(curandGenerator_t *generator, curandRngType_t) {
    if (!generator) return CURAND_STATUS_NOT_INITIALIZED;
    if (standing_in_context() != CUDA_SUCCESS) return CURAND_STATUS_INITIALIZATION_FAILED;
    *generator = new curandGenerator_st;
    add_handle(*generator, "curand generator");
    return CURAND_STATUS_SUCCESS;
}

CUDA_EMULATOR_API curandStatus_t curandDestroyGenerator(curandGenerator_t generator) {
    if (!remove_handle(generator, "curand generator", "curandDestroyGenerator")) return CURAND_STATUS_NOT_INITIALIZED;
    delete generator;
    return CURAND_STATUS_SUCCESS;
}

CUDA_EMULATOR_API curandStatus_t curandSetPseudoRandomGeneratorSeed(curandGenerator_t generator, unsigned long long seed) {
    if (!is_handle(generator, "curand generator", "curandSetPseudoRandomGeneratorSeed")) return CURAND_STATUS_NOT_INITIALIZED;
    generator->engine.seed(seed);
    return CURAND_STATUS_SUCCESS;
}

CUDA_EMULATOR_API curandStatus_t curandSetStream(curandGenerator_t generator, cudaStream_t stream) {
    if (!is_handle(generator, "curand generator", "curandSetStream")) return CURAND_STATUS_NOT_INITIALIZED;
    return is_stream(stream, "curandSetStream") ? CURAND_STATUS_SUCCESS : CURAND_STATUS_NOT_INITIALIZED;
}

CUDA_EMULATOR_API curandStatus_t curandGenerateUniform(curandGenerator_t generator, float *values, size_t count) {
    if (!is_handle(generator, "curand generator", "curandGenerateUniform")) return CURAND_STATUS_NOT_INITIALIZED;
    if (!lies_in_device_memory(values, count * sizeof *values, current_device(), "curandGenerateUniform"))
        return CURAND_STATUS_LAUNCH_FAILURE;
    // From 0, left out, to 1.
    for (size_t i = 0; i < count; i++) values[i] = static_cast<float>((generator->engine() >> 40) + 1) * 0x1p-24f;
    return CURAND_STATUS_SUCCESS;
}

CUDA_EMULATOR_API curandStatus_t curandGenerateNormal(curandGenerator_t generator, float *values, size_t count, float mean,
                                                      float deviation) {
    if (!is_handle(generator, "curand generator", "curandGenerateNormal")) return CURAND_STATUS_NOT_INITIALIZED;
    if (!lies_in_device_memory(values, count * sizeof *values, current_device(), "curandGenerateNormal"))
        return CURAND_STATUS_LAUNCH_FAILURE;
    std::normal_distribution<float> normal(mean, deviation);
    for (size_t i = 0; i < count; i++) values[i] = normal(generator->engine);
    return CURAND_STATUS_SUCCESS;
}
