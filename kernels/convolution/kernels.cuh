// The symbols of this family, implemented by the rung's function `multiply<Product>(problem)`.
extern "C" __global__ void __launch_bounds__(256, 2)
    convolution(const __grid_constant__ convolving::Problem p) {
    convolving::multiply<convolving::Forward>(p);
}
extern "C" __global__ void __launch_bounds__(256, 2)
    convolution_input(const __grid_constant__ convolving::Problem p) {
    convolving::multiply<convolving::Input>(p);
}
extern "C" __global__ void __launch_bounds__(256, 2)
    convolution_weight(const __grid_constant__ convolving::Problem p) {
    convolving::multiply<convolving::Weight>(p);
}
