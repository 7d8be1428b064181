//! The Runtime on madsim, with simulated disk, network and clocks; harness, checkers, reports.
