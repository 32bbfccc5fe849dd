//! What a page costs does not depend on where it lies: plans, not clocks.
