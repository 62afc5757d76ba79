using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;

namespace Vernier.Quantization.Gguf;

/// <summary>
/// The importance matrix of llama.cpp: of each matrix the mean square of each of its inputs on some text. Both kinds of file are read:
/// GGUF with tensors NAME.in_sum2 and
/// NAME.counts, and the older one of a count of entries, each a name, a number of calls, a number of values, and the values, summed over
/// the calls.
/// </summary>
public static class ImportanceMatrix
{
    /// <summary>The rule that a malformed file breaks.</summary>
    public const string Rule = "importance-matrix";

    private const int MostEntries = 1 << 16, MostNameBytes = 1 << 10;
    private const string Sums = ".in_sum2", Counts = ".counts", Remedy = "Make the importance matrix again";

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">The model.</param>
    /// <returns>By the name of a weight in a Hugging Face checkpoint, a number for each input channel, none negative.</returns>
    /// <exception cref="InvalidFileException">The file is missing or malformed, or holds a number that is negative or not
    /// finite.</exception>
    public static IReadOnlyDictionary<string, float[]> Read(string path, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (!File.Exists(path))
            throw new InvalidFileException(path, FileRules.FileMissing, "the file does not exist", "Give the path of an importance matrix");
        GgufNames? names = ArchitectureCatalogue.Of(config).Gguf?.Names;
        var matrices = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach ((string name, float[] values) in GgufFile.Is(path) ? ReadGguf(path) : ReadOld(path))
        {
            if (Array.Exists(values, value => !float.IsFinite(value) || value < 0))
                throw new InvalidFileException(path, Rule, "a number is negative or not finite", Remedy, name);
            // What has no place in a checkpoint, such as the experts of another architecture, is of no use here.
            if (names?.ToHf(name) is string weight && !matrices.TryAdd(weight, values))
                throw new InvalidFileException(path, Rule, "it is there twice", Remedy, name);
        }
        return matrices;
    }

    private static List<(string Name, float[] Values)> ReadGguf(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        var matrices = new List<(string, float[])>();
        foreach (GgufTensor sums in file.Tensors.Where(tensor => tensor.Name.EndsWith(Sums, StringComparison.Ordinal)))
        {
            string name = sums.Name[..^Sums.Length];
            GgufTensor? counts = file.Tensors.FirstOrDefault(tensor => tensor.Name == name + Counts);
            if (counts is null || counts.Count != 1 || sums.Type != GgufTensorType.F32 || counts.Type != GgufTensorType.F32)
                throw new InvalidFileException(path, Rule, "its sums or its count are missing, or of another type or shape", Remedy, name);
            var values = new float[sums.Count];
            var count = new float[1];
            file.Read(sums.Name, 0, values);
            file.Read(counts.Name, 0, count);
            if (!float.IsFinite(count[0]) || count[0] < 0)
                throw new InvalidFileException(path, Rule, "a number is negative or not finite", Remedy, name);
            matrices.Add((name, Array.ConvertAll(values, value => count[0] > 0 ? value / count[0] : 0)));
        }
        return matrices;
    }

    private static List<(string Name, float[] Values)> ReadOld(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int at = 0, entries = Integer(1, MostEntries, "the count of entries");
        var matrices = new List<(string, float[])>();
        for (int entry = 0; entry < entries; entry++)
        {
            int length = Integer(1, MostNameBytes, "the length of a name");
            string name = Encoding.UTF8.GetString(Take(length));
            int calls = Integer(0, int.MaxValue, "the number of calls"),
                count = Integer(1, (bytes.Length - at) / sizeof(float) + 1, "the number of values");
            float[] values = MemoryMarshal.Cast<byte, float>(Take(count * sizeof(float))).ToArray();
            matrices.Add((name, Array.ConvertAll(values, value => calls > 0 ? value / calls : 0)));
        }
        return matrices;

        int Integer(int least, int most, string what)
        {
            int number = BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));
            return number >= least && number <= most ? number
                : throw new InvalidFileException(path, Rule, $"{what} is {number}, not {least} to {most}", Remedy);
        }

        ReadOnlySpan<byte> Take(int count)
        {
            if (count > bytes.Length - at)
                throw new InvalidFileException(path, Rule, "the file ends within an entry", Remedy);
            at += count;
            return bytes.AsSpan(at - count, count);
        }
    }
}
