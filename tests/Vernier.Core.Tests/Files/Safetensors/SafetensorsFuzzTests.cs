using System.Text;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Safetensors;

namespace Vernier.Tests;

/// <summary>Damaged files are read whole or refused by name, and cost no more memory than their size justifies.</summary>
public class SafetensorsFuzzTests
{
    private const int PerSeed = 6000;

    private readonly float[] _numbers = new float[4096];
    private readonly Dictionary<string, int> _outcomes = new(StringComparer.Ordinal);

    [Fact]
    public void DamagedFilesAreReadWholeOrRefused()
    {
        byte[][] seeds = [.. Seeds()];
        foreach (byte[] seed in seeds)
            Assert.Equal("read", Outcome(seed)); // Also brings everything that is made once into being, before allocation is measured.

        int inputs = 0;
        for (int s = 0; s < seeds.Length; s++)
        {
            // As a whole, where most changes break the size of the header, and with the header changed and its size put right.
            int header = 8 + BitConverter.ToInt32(seeds[s]);
            byte[] data = seeds[s][header..];
            foreach (byte[] file in Mutation.Of(seeds[s], PerSeed, 2 * s)
                .Concat(Mutation.Of(seeds[s][8..header], PerSeed, (2 * s) + 1).Select(json => SafetensorsBytes.Of(json, data))))
            {
                Try(file);
                inputs++;
            }
        }

        Assert.InRange(inputs, 40_000, 100_000);
        Assert.InRange(_outcomes["read"], 1000, inputs / 2);
        // Changes at random reach every rule of the file but one that takes 65 dimensions.
        IEnumerable<string> rules = typeof(SafetensorsRules).GetFields().Select(field => (string)field.GetRawConstantValue()!)
            .Except([SafetensorsRules.TooManyDimensions, SafetensorsRules.TensorMissing, SafetensorsRules.NotANumber]);
        Assert.Empty(rules.Except(_outcomes.Keys));
    }

    private static IEnumerable<byte[]> Seeds()
    {
        var random = new Random(5);
        yield return SafetensorsBytes.Written(SafetensorsBytes.EveryType(random, 4), new Dictionary<string, string> { ["format"] = "pt" });
        yield return SafetensorsBytes.Written(
        [
            SafetensorsBytes.Tensor(random, "a", ElementType.BF16, 2, 3),
            SafetensorsBytes.Tensor(random, "b", ElementType.F32),
            SafetensorsBytes.Tensor(random, "层.é😀", ElementType.U8, 0, 5),
        ]);
        yield return SafetensorsBytes.Of("""{"a\u0020\ud83d\ude00":{"shape":[1,1,1,1],"data_offsets":[0,1],"dtype":"I8"}}""", 1);
        yield return SafetensorsBytes.Of(
            """
                {"__metadata__":{"k":"v","l":""},"s":{"dtype":"F4","shape":[2,2],"data_offsets":[0,2]},"t":{"dtype":"F6_E2M3","shape":[4],
                "data_offsets":[2,5]}}
                """, 5);
        yield return SampleHeader();
    }

    /// <summary>The header of the sample's first tensors, over data of a size that suits a test.</summary>
    private static byte[] SampleHeader()
    {
        using Checkpoint sample = Checkpoint.Open(SharedData.Quill);
        TensorInfo[] few = [.. sample.Tensors.Where(tensor => tensor.Bytes <= 512).Take(5)];
        return SafetensorsBytes.Written([.. few.Select(tensor => (tensor, sample.Bytes(tensor).ToArray()))], sample.Files[0].Metadata);
    }

    private void Try(byte[] file)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        string outcome = Outcome(file);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= 32_768 + (32L * file.Length),
            $"{allocated} bytes were allocated for a file of {file.Length} ({outcome}): {Encoding.Latin1.GetString(file)}");
        _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;
    }

    private string Outcome(byte[] bytes)
    {
        try
        {
            using SafetensorsFile file = SafetensorsBytes.Open(bytes);
            long read = 0;
            foreach (TensorInfo tensor in file.Tensors)
            {
                read += file.Bytes(tensor.Name).Length;
                if (tensor.Type.Bits() < 8 || tensor.Type == ElementType.C64)
                    continue;
                for (long first = 0; first < tensor.Count; first += _numbers.Length)
                    file.Read(tensor.Name, first, _numbers.AsSpan(0, (int)Math.Min(_numbers.Length, tensor.Count - first)));
            }
            Assert.InRange(read, 0, bytes.Length);
            return "read";
        }
        catch (InvalidFileException error)
        {
            return error.Rule;
        }
    }
}
