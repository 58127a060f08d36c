#include <algorithm>
#include <utility>
#include <vector>
#include <string>
#include <array>
#include <tuple>
#include <limits>
#include <complex>
#include <numeric>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <cmath>
#include <type_traits>
#include <atomic>
#include <cstring>
#include <cstdlib>
#include <cstdio>
#include <map>
#include <random>
#include <bitset>
#include <string_view>
#include <variant>
#include <iterator>

// clang-format off: a kernel a line
ACCEPTED(move) { x[0] = std::move(x[1]); }
ACCEPTED(forward) { x[0] = std::forward<int>(x[1]); }
ACCEPTED(limits_dig) { x[0] = std::numeric_limits<float>::digits; }
ACCEPTED(sqrt) { x[0] = std::sqrt(2.f); }
ACCEPTED(abs) { x[0] = std::abs(x[1]); }
ACCEPTED(pow) { x[0] = std::pow(2.f, 3.f); }
ACCEPTED(isnan) { x[0] = std::isnan(2.f); }
ACCEPTED(isfinite) { x[0] = std::isfinite(2.f); }
ACCEPTED(signbit) { x[0] = std::signbit(2.f); }
ACCEPTED(fmax) { x[0] = std::fmax(2.f, 3.f); }
ACCEPTED(fma) { x[0] = std::fma(2.f, 3.f, 4.f); }
ACCEPTED(hypot) { x[0] = std::hypot(2.f, 3.f); }
ACCEPTED(lround) { x[0] = std::lround(2.f); }
ACCEPTED(is_same) { x[0] = std::is_same<int, float>::value; }
ACCEPTED(is_same_v) { x[0] = std::is_same_v<int, float>; }
ACCEPTED(integral) { x[0] = std::integral_constant<int, 3>::value; }
ACCEPTED(memcpy) { std::memcpy(x, x + 1, 4); }
ACCEPTED(memset) { std::memset(x, 0, 4); }
ACCEPTED(malloc) { x[0] = *(int*)std::malloc(4); }
ACCEPTED(printf) { std::printf("x"); }
ACCEPTED(strlen) { x[0] = std::strlen("abc"); }
ACCEPTED(declval) { x[0] = sizeof(std::declval<int>()); }
ACCEPTED(byte) { x[0] = (int)std::byte(3); }
ACCEPTED(nullptr) { std::nullptr_t p = nullptr; x[0] = p == nullptr; }
REFUSED(min) { x[0] = std::min(x[1], 3); }
REFUSED(max) { x[0] = std::max(x[1], 3); }
REFUSED(minc) { x[0] = std::min(2, 3); }
REFUSED(swap) { std::swap(x[0], x[1]); }
REFUSED(vector) { std::vector<int> v; v.push_back(1); x[0] = v[0]; }
REFUSED(string) { std::string s = "abc"; x[0] = s.size(); }
REFUSED(array) { std::array<int, 3> a{}; x[0] = a[1]; }
REFUSED(arraysize) { std::array<int, 3> a{}; x[0] = a.size(); }
REFUSED(arraydata) { std::array<int, 3> a{}; x[0] = a.data()[1]; }
REFUSED(tuple) { std::tuple<int, int> t(1, 2); x[0] = std::get<0>(t); }
REFUSED(limits) { x[0] = std::numeric_limits<int>::max(); }
REFUSED(limits_f) { x[0] = std::numeric_limits<float>::infinity() > 1; }
REFUSED(complex) { std::complex<float> c(1, 2); x[0] = c.real(); }
REFUSED(sort) { std::sort(x, x + 3); }
REFUSED(accumulate) { x[0] = std::accumulate(x, x + 3, 0); }
REFUSED(copy) { std::copy(x, x + 3, x + 4); }
REFUSED(fill) { std::fill(x, x + 3, 0); }
REFUSED(less) { x[0] = std::less<int>()(1, 2); }
REFUSED(plus) { x[0] = std::plus<int>()(1, 2); }
REFUSED(function) { std::function<int(int)> f; x[0] = f(1); }
REFUSED(cout) { std::cout << 1; }
REFUSED(endl) { std::cout << std::endl; }
REFUSED(unique) { auto p = std::make_unique<int>(3); x[0] = *p; }
REFUSED(optional) { std::optional<int> o = 3; x[0] = *o; }
REFUSED(fpclassify) { x[0] = std::fpclassify(2.f); }
REFUSED(integral_call) { x[0] = std::integral_constant<int, 3>(); }
REFUSED(atomic) { std::atomic<int> a; a = 3; x[0] = a; }
REFUSED(map) { std::map<int, int> m; m[1] = 2; }
REFUSED(mt) { std::mt19937 g(1); x[0] = g(); }
REFUSED(bitset) { std::bitset<8> b; b.set(1); x[0] = b.count(); }
REFUSED(sv) { std::string_view s("abc"); x[0] = s.size(); }
REFUSED(addressof) { x[0] = *std::addressof(x[1]); }
REFUSED(begin) { int a[3] = {1, 2, 3}; x[0] = *std::begin(a); }
REFUSED(size) { int a[3] = {1, 2, 3}; x[0] = std::size(a); }
REFUSED(distance) { x[0] = std::distance(x, x + 3); }
REFUSED(exchange) { x[0] = std::exchange(x[1], 3); }
REFUSED(as_const) { x[0] = std::as_const(x[1]); }
REFUSED(clamp) { x[0] = std::clamp(x[1], 0, 3); }
REFUSED(gcd) { x[0] = std::gcd(x[1], 3); }
REFUSED(div) { x[0] = std::div(x[1], 3).quot; }
REFUSED(rand) { x[0] = std::rand(); }
REFUSED(exit) { std::exit(1); }
REFUSED(ref) { x[0] = std::ref(x[1]); }
REFUSED(invoke) { x[0] = std::invoke([](int a) { return a; }, 3); }
REFUSED(iseq) { x[0] = std::make_index_sequence<3>::size(); }
REFUSED(nothrow) { int* p = new (std::nothrow) int; x[0] = *p; }
REFUSED(launder) { x[0] = *std::launder(x + 1); }
REFUSED(terminate) { std::terminate(); }
REFUSED(numeric_eps) { x[0] = std::numeric_limits<float>::epsilon(); }
REFUSED(numeric_low) { x[0] = std::numeric_limits<float>::lowest(); }
