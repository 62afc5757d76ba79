
namespace Vernier.Files.Safetensors;

/// <summary>One tensor of a header and where its data begin, in bytes from the end of the header.</summary>
internal readonly record struct SafetensorsEntry(TensorInfo Info, long Begin, long Bytes);
