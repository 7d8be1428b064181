//! What is declared.
