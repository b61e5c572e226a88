// SwiftPM wants a source file in every C target; the binding itself is headers only.
