// What CUDA C++ has built in, for kernels that g++ compiles for the CPU: include this in the place of nvcc's own headers.
// Every thread of a block is a fiber (runtime/fibers.h); a collective suspends it until the other lanes have come.
// To add an intrinsic, add it to the file of device/ that is about its subject; device/meeting.h says how lanes meet.
#pragma once

#include "device/qualifiers.h"

#include "device/half.h"
#include "device/integers.h"
#include "device/maths.h"
#include "device/warp.h"

#include "device/atomics.h"
#include "device/instructions.h"

// After CUDA's own headers, which would take it for nvcc and use PTX.
#define __CUDA_ARCH__ 900
