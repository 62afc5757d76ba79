using System.Text.Json;

namespace Vernier.TestKit;

/// <summary>The sample in a folder of its own, with numbers of the test's in its BF16 tensors.</summary>
public static class QuillCopy
{
    /// <summary>Copies the sample.</summary>
    /// <param name="folder">The folder; it is made.</param>
    /// <param name="numbers">Tensors, the places of numbers in them, and what to write there, cut off to BF16.</param>
    /// <returns>The folder.</returns>
    public static string Write(string folder, params (string Tensor, int At, float Number)[] numbers)
    {
        Directory.CreateDirectory(folder);
        foreach (string path in Directory.EnumerateFiles(SharedData.Quill))
            File.Copy(path, Path.Combine(folder, Path.GetFileName(path)));
        string weights = Path.Combine(folder, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        int header = (int)BitConverter.ToInt64(bytes);
        using JsonDocument json = JsonDocument.Parse(bytes.AsMemory(8, header));
        foreach ((string tensor, int at, float number) in numbers)
        {
            int begin = 8 + header + json.RootElement.GetProperty(tensor).GetProperty("data_offsets")[0].GetInt32() + 2 * at;
            BitConverter.TryWriteBytes(bytes.AsSpan(begin), (ushort)(BitConverter.SingleToUInt32Bits(number) >> 16));
        }
        File.WriteAllBytes(weights, bytes);
        return folder;
    }
}
