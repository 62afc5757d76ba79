namespace Vernier.Inference.Gguf;

/// <summary>
/// The order of the rows of a query or key projection. Llama's rotary embedding turns coordinates i and i + R/2 together in a Hugging Face
/// checkpoint and
/// 2i and 2i + 1 in a GGUF file, so that within each head the rows of the first half and of the second alternate there.
/// </summary>
internal static class RotaryRows
{
    /// <summary>The row of the GGUF tensor that is a row of the Hugging Face tensor.</summary>
    public static long InGguf(long row, long headSize)
    {
        long head = row / headSize, i = row % headSize, half = headSize / 2;
        return head * headSize + i % half * 2 + i / half;
    }

    /// <summary>The row of the Hugging Face tensor that is a row of the GGUF tensor.</summary>
    public static long InHf(long row, long headSize)
    {
        long head = row / headSize, i = row % headSize, half = headSize / 2;
        return head * headSize + i % 2 * half + i / 2;
    }
}
