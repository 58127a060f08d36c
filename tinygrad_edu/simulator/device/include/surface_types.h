// Textures and surfaces are not simulated. Including this is allowed, since PyCUDA's own headers do; using them
// is an error of the compiler that names what is missing.
#pragma once
