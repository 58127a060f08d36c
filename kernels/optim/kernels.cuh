// The symbols of this family, implemented by the rung's function `step_all<Rule>(table)`.
#define STEP(name, Rule)                                      \
    extern "C" __global__ void __launch_bounds__(256, 2)      \
        name(const __grid_constant__ stepping::Table table) { \
        stepping::step_all<stepping::Rule>(table);            \
    }
RULES(STEP)
#undef STEP
