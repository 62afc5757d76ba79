
namespace Vernier.Files.Gguf;

/// <summary>A tensor of a header and where its data begin, in bytes from the beginning of the data.</summary>
internal readonly record struct GgufEntry(GgufTensor Info, long Begin, long Bytes);
