//! The metadata quorum (KRaft) as a pure core: inputs in, effects out.
