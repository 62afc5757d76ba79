using System.Numerics.Tensors;
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
/// the calls. Entries of a mixture of experts, n x C sums and n counts, are passed over. Where there is no data, a count of 0 or sums that
/// are all 0, inputs count alike, as they do in llama.cpp. <see cref="ModelImportance"/> says what a model takes of a file.
/// </summary>
public static class ImportanceMatrix
{
    /// <summary>The rule that a malformed file breaks.</summary>
    public const string Rule = "importance-matrix";

    private const int MostEntries = 1 << 16, MostNameBytes = 1 << 10;
    private const float Least = 1f / (1 << 30), Most = 1 << 30;
    private const string Sums = ".in_sum2", Counts = ".counts";

    /// <summary>What can be done about a malformed file.</summary>
    internal const string Remedy = "Make the importance matrix again";

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">The model.</param>
    /// <returns>By the name of a weight in a Hugging Face checkpoint, a number for each input channel, none negative.</returns>
    /// <exception cref="InvalidFileException">The file is missing or malformed, or holds a number that is negative or not
    /// finite.</exception>
    public static IReadOnlyDictionary<string, float[]> Read(string path, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        GgufNames? names = ArchitectureCatalogue.Of(config).Gguf?.NamesOf(config);
        var matrices = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (ImportanceEntry entry in Entries(path).Where(entry => entry.Experts == 1))
        {
            // What has no place in a checkpoint, such as the experts of another architecture, is of no use here.
            if (names?.ToHf(entry.Name) is string weight && !matrices.TryAdd(weight, entry.Values))
                throw new InvalidFileException(path, Rule, "it is there twice", Remedy, entry.Name);
        }
        return matrices;
    }

    /// <summary>All entries of a file, in its order. Numbers of entries of several experts are left out.</summary>
    /// <exception cref="InvalidFileException">As <see cref="Read"/>.</exception>
    internal static IEnumerable<ImportanceEntry> Entries(string path)
    {
        if (!File.Exists(path))
            throw new InvalidFileException(path, FileRules.FileMissing, "the file does not exist", "Give the path of an importance matrix");
        foreach ((string name, float[] sums, float count, int experts) in GgufFile.Is(path) ? ReadGguf(path) : ReadOld(path))
        {
            if (!float.IsFinite(count) || count < 0)
                throw new InvalidFileException(path, Rule, $"its count is {count}", Remedy, name);
            bool data = count > 0 && Array.Exists(sums, sum => sum != 0);
            float[] values = WithinRange(Array.ConvertAll(sums, sum => data ? sum / count : 1));
            if (Array.Exists(sums, sum => !float.IsFinite(sum) || sum < 0) || Array.Exists(values, value => !float.IsFinite(value)))
                throw new InvalidFileException(path, Rule, "a number is negative or not finite", Remedy, name);
            yield return new ImportanceEntry(name, values, experts, data);
        }
    }

    // Only how much inputs count beside each other matters, and the encoding multiplies by squares of weights: what is so large or so small
    // that these would leave single precision is divided by a power of two.
    private static float[] WithinRange(float[] values)
    {
        float largest = values.Length == 0 ? 0 : TensorPrimitives.Max<float>(values);
        return largest is 0 or (>= Least and <= Most) || !float.IsFinite(largest) ? values
            : Array.ConvertAll(values, value => MathF.ScaleB(value, -Math.ILogB(largest)));
    }

    private static List<(string Name, float[] Sums, float Count, int Experts)> ReadGguf(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        var matrices = new List<(string, float[], float, int)>();
        foreach (GgufTensor sums in file.Tensors.Where(tensor => tensor.Name.EndsWith(Sums, StringComparison.Ordinal)))
        {
            string name = sums.Name[..^Sums.Length];
            if (!file.TryGet(name + Counts, out GgufTensor? counts) || sums.Type != GgufTensorType.F32
                || counts.Type != GgufTensorType.F32 || counts.Count == 0 || sums.Count % counts.Count != 0)
                throw new InvalidFileException(path, Rule, "its sums or its count are missing, or of another type or shape", Remedy, name);
            if (counts.Count > 1)
            {
                matrices.Add((name, [], 0, (int)Math.Min(int.MaxValue, counts.Count)));
                continue;
            }
            var values = new float[sums.Count];
            var count = new float[1];
            file.Read(sums.Name, 0, values);
            file.Read(counts.Name, 0, count);
            matrices.Add((name, values, count[0], 1));
        }
        return matrices;
    }

    private static List<(string Name, float[] Sums, float Count, int Experts)> ReadOld(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int at = 0, entries = Integer(1, MostEntries, "the count of entries");
        var matrices = new List<(string, float[], float, int)>();
        for (int entry = 0; entry < entries; entry++)
        {
            int length = Integer(1, MostNameBytes, "the length of a name");
            string name = Encoding.UTF8.GetString(Take(length));
            int calls = Integer(0, int.MaxValue, "the number of calls"),
                count = Integer(1, (bytes.Length - at) / sizeof(float) + 1, "the number of values");
            float[] values = MemoryMarshal.Cast<byte, float>(Take(count * sizeof(float))).ToArray();
            matrices.Add((name, values, calls, 1));
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
