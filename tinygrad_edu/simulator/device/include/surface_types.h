// Textures and surfaces are not simulated. Including this is allowed, since headers of PyCUDA do it; using
// them is an error of the compiler.
#pragma once
