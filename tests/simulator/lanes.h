// What kernels that run on the stand-in of lanes.cpp include.
#pragma once
#include "device.h"

extern "C" void begin_thread(unsigned rank) { sim_set_thread(rank, 0, 0); }
