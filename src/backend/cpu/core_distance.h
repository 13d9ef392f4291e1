// How long cores take to reach each other.
#pragma once

namespace rushlight {

/// `far`: some of a team's cores share no cache. To write a line that another one holds then takes some 80 ns, and such
/// writes go one after the other.
enum class CoreDistance { near, far };

/// Of a team of so many threads, by messages between the first and each other, 10 to 40 us for one. It holds for a
/// while: cores of a virtual machine are moved. `near` where threads share a core.
CoreDistance measure_core_distance(int threads);

}  // namespace rushlight
