//! Cluster metadata: decide records, replay records, image.
