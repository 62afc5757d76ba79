
namespace Vernier.Kernels;

/// <summary>Reads packed rows of the source, each of the specification's bytes.</summary>
/// <param name="firstRow">The first row.</param>
/// <param name="destination">Receives whole rows.</param>
public delegate void PackedRowReader(int firstRow, Span<byte> destination);
