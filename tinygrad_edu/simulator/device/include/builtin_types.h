// All that a kernel can use of it is known to every kernel without being included: see device.h.
#pragma once
