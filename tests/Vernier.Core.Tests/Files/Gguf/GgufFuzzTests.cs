using System.Text;
using Vernier.Errors;
using Vernier.Files.Gguf;

namespace Vernier.Tests.Files.Gguf;

/// <summary>Damaged files are read whole or refused by name, and cost no more memory than their size justifies.</summary>
public class GgufFuzzTests
{
    private const int PerSeed = 35_000;

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
            foreach (byte[] file in Mutation.Of(seeds[s], PerSeed, s))
            {
                Try(file);
                inputs++;
            }
        }
        Assert.InRange(inputs, 100_000, 200_000);
        Assert.InRange(_outcomes["read"], 1000, inputs / 2);
        // Changes at random reach every rule but those that take long runs or a deep nest, and the one that no opening can break.
        IEnumerable<string> rules = typeof(GgufRules).GetFields().Select(field => (string)field.GetRawConstantValue()!)
            .Except([GgufRules.ArrayTooDeep, GgufRules.TensorMissing]);
        Assert.Empty(rules.Except(_outcomes.Keys));
    }

    private static IEnumerable<byte[]> Seeds()
    {
        var random = new Random(5);
        yield return GgufBytes.Written(GgufBytes.EveryValue(),
            [GgufBytes.Tensor(random, "a", GgufTensorType.F32, 3), GgufBytes.Tensor(random, "层.é😀", GgufTensorType.BF16, 2, 5)]);
        yield return GgufBytes.Written([KeyValuePair.Create(GgufFile.AlignmentKey, GgufValue.Of(8u))],
            [.. GgufTensorType.All.Where(type => type.BlockColumns <= 32)
                .Select(type => GgufBytes.Tensor(random, "t." + type.Name, type, 1, 32))]);
        yield return GgufBytes.Begin(2, 1, version: 2).Key("k", GgufType.String).Text("v").Tensor("t", 0, 0, 2, 2, 1, 1)
            .Tensor("u", 24, 32, 5).Data(37);
        yield return GgufBytes.Written(
            [KeyValuePair.Create("tokenizer.ggml.tokens", GgufValue.Of(new[] { "a", "b", "ab" })),
            KeyValuePair.Create("general.architecture", GgufValue.Of("llama"))],
            [GgufBytes.Tensor(random, "k", GgufTensorType.All.First(type => type.Name == "Q4_K"), 1, 256)]);
    }

    private void Try(byte[] file)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        string outcome = Outcome(file);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= 65_536 + (32L * file.Length),
            $"{allocated} bytes were allocated for a file of {file.Length} ({outcome}): {Encoding.Latin1.GetString(file)}");
        _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;
    }

    private string Outcome(byte[] bytes)
    {
        try
        {
            using GgufFile file = GgufBytes.Open(bytes);
            long read = 0;
            foreach (GgufTensor tensor in file.Tensors)
            {
                read += file.Bytes(tensor.Name).Length;
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
