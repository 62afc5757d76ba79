namespace Vernier.Files;

/// <summary>A file that shows tensors as others than it stores.</summary>
internal interface IStoredFile : ITensorFile
{
    /// <summary>The type and the bytes that a tensor has in the file, with all that it is made of.</summary>
    (ElementType Type, long Bytes) Stored(TensorInfo tensor);
}
