// Atomics and fences. The access itself is made here, where ThreadSanitizer does not see it, so that it orders nothing
// and no later plain access of the same address, such as a counter's reset by the last block, races with it.
#include <algorithm>

#include "tests/emulator/block.h"
#include "tests/emulator/intrinsics.h"

namespace {

using rushlight::emulator::Atomic;
using rushlight::emulator::Scope;

template <Atomic T, class Change>
T access(T* address, const Change& change) {
  rushlight::emulator::Thread& self = rushlight::emulator::this_thread("an atomic");
  rushlight::emulator::Block& block = *self.block;
  const auto where = reinterpret_cast<std::uintptr_t>(address);
  if (where % sizeof(T) != 0) block.fail("an atomic at a misaligned address");
  if (__asan_storeN) __asan_storeN(where, sizeof(T));
  block.yield_sometimes();
  self.fences.atomic(block.grid().released, address);
  const T old = *address;
  *address = change(old);
  return old;
}

void fence(Scope scope) {
  rushlight::emulator::Thread& self = rushlight::emulator::this_thread("a fence");
  self.block->yield_sometimes();
  self.fences.fence(self.block->grid().released, self.block->number(), scope);
}

}  // namespace

void __threadfence() {
  fence(Scope::device);
}
void __threadfence_block() {
  fence(Scope::block);
}

template <Atomic T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  using Wrapping = std::make_unsigned_t<T>;
  return access(address,
                [&](T old) { return static_cast<T>(static_cast<Wrapping>(old) + static_cast<Wrapping>(value)); });
}

template <Atomic T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  return access(address, [&](T old) { return std::min(old, value); });
}

template <Atomic T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return access(address, [&](T old) { return std::max(old, value); });
}

template <Atomic T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return access(address, [&](T) { return value; });
}

template <Atomic T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return access(address, [&](T old) { return old == expected ? value : old; });
}

template int atomicAdd(int*, int);
template unsigned atomicAdd(unsigned*, unsigned);
template unsigned long long atomicAdd(unsigned long long*, unsigned long long);
template int atomicMin(int*, int);
template unsigned atomicMin(unsigned*, unsigned);
template unsigned long long atomicMin(unsigned long long*, unsigned long long);
template int atomicMax(int*, int);
template unsigned atomicMax(unsigned*, unsigned);
template unsigned long long atomicMax(unsigned long long*, unsigned long long);
template int atomicExch(int*, int);
template unsigned atomicExch(unsigned*, unsigned);
template unsigned long long atomicExch(unsigned long long*, unsigned long long);
template int atomicCAS(int*, int, int);
template unsigned atomicCAS(unsigned*, unsigned, unsigned);
template unsigned long long atomicCAS(unsigned long long*, unsigned long long, unsigned long long);
