"""What programs that use Paygent test with: fakes, fault injection, conformance kits, development keys."""
