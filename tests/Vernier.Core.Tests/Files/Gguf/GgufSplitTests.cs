using System.Reflection;
using System.Text.RegularExpressions;
using Vernier.Errors;
using Vernier.Files.Gguf;

namespace Vernier.Tests.Files.Gguf;

/// <summary>Models that are split into several files.</summary>
public sealed partial class GgufSplitTests : IDisposable
{
    private static readonly string[] s_rules =
        [.. typeof(GgufSplitRules).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (string)field.GetRawConstantValue()!).Order(StringComparer.Ordinal)];

    private readonly TempFolder _work = new();
    private readonly (GgufTensor Info, byte[] Data)[] _tensors;

    public GgufSplitTests()
    {
        var random = new Random(5);
        _tensors = [.. GgufTensorType.All.Take(8).Select((type, i) => GgufBytes.Tensor(random, $"t{i}", type, 3, 256))];
        File.WriteAllBytes(_work["whole.gguf"], GgufBytes.Written([KeyValuePair.Create("a", GgufValue.Of("b"))], _tensors));
    }

    public void Dispose() => _work.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void WhicheverPartIsNamedAllAreReadAsOne(int named)
    {
        string[] parts = Split(0, 3, 1, 4);
        using GgufFile file = GgufFile.OpenWhole(parts[named]);
        Assert.Equal((parts[0], parts.Sum(part => new FileInfo(part).Length)), (file.Path, file.Length));
        Assert.Equal(parts, file.Parts.Select(part => part.Path));
        Assert.Equal(["a", "split.no", "split.count", "split.tensors.count"], file.Metadata.Keys);
        Assert.Equal(_tensors.Select(tensor => tensor.Info), file.Tensors);
        using GgufFile whole = GgufFile.OpenWhole(_work["whole.gguf"]);
        Assert.Equal([whole], whole.Parts);
        foreach ((GgufTensor info, byte[] data) in _tensors)
        {
            Assert.True(file.TryGet(info.Name, out GgufTensor? found));
            Assert.Equal((info, info), (found, file[info.Name]));
            Assert.Equal(data, file.Bytes(info.Name).ToArray());
            var bytes = new byte[20];
            file.ReadBytes(info.Name, 40, bytes);
            Assert.Equal(data[40..60], bytes);
            float[] numbers = new float[300], same = new float[300];
            file.Read(info.Name, 100, numbers);
            whole.Read(info.Name, 100, same);
            Assert.Equal(same, numbers);
        }
        Assert.False(file.TryGet("t9", out _));
        Assert.Equal(GgufRules.TensorMissing, Assert.Throws<InvalidFileException>(() => file["t9"]).Rule);
    }

    [Fact]
    public void OnePartIsAWhole()
    {
        string[] parts = Split(8);
        File.Move(parts[0], _work["other.gguf"]);
        using GgufFile file = GgufFile.OpenWhole(_work["other.gguf"]);
        Assert.Equal(8, file.Tensors.Count);
    }

    [Fact]
    public void MissingPartsAreAllNamedAtOnce()
    {
        string[] parts = Split(1, 1, 1, 1, 4);
        File.Delete(parts[0]);
        File.Delete(parts[3]);
        InvalidFileException error = Refused(GgufSplitRules.Missing, parts[1]);
        Assert.Equal("the model is split into 5 parts, and 2 of them are not in the folder: m-00001-of-00005.gguf, m-00004-of-00005.gguf",
            error.Problem);
        string[] many = Split([8, .. new int[29]]);
        foreach (int part in (int[])[3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 28])
            File.Delete(many[part - 1]);
        Assert.EndsWith(": those with the numbers 3 to 6, 8, 10 to 14, 28", Refused(GgufSplitRules.Missing, many[0]).Problem,
            StringComparison.Ordinal);
    }

    [Fact]
    public void EveryBrokenSplitIsRefusedByName()
    {
        string[] parts = Split(2, 3, 3);
        var broken = new HashSet<string>(StringComparer.Ordinal);
        void Broken(string rule, int named, Action damage, string? tensor = null)
        {
            Split(2, 3, 3);
            damage();
            Assert.Equal(tensor, Refused(rule, parts[named]).Tensor);
            broken.Add(rule);
        }
        void Change(int part, string key, int type, int from, int to) => File.WriteAllBytes(parts[part],
            Replace(File.ReadAllBytes(parts[part]), SplitGguf.Pair(key, type, from), SplitGguf.Pair(key, type, to)));
        Broken(GgufSplitRules.Missing, 1, () => File.Delete(parts[2]));
        Broken(GgufSplitRules.Metadata, 0, () => Change(1, "split.no", 2, 1, 0));
        Broken(GgufSplitRules.Metadata, 0, () => Change(1, "split.count", 2, 3, 4));
        Broken(GgufSplitRules.Metadata, 1, () => Change(2, "split.tensors.count", 5, 8, 7));
        Broken(GgufSplitRules.Metadata, 1, () => Change(1, "split.tensors.count", 5, 8, -8));
        Broken(GgufSplitRules.Metadata, 0, () => File.Copy(_work["whole.gguf"], parts[1], overwrite: true));
        Broken(GgufSplitRules.Name, 0, () => Change(0, "split.no", 2, 0, 1));
        Broken(GgufSplitRules.Name, 0, () => Change(0, "split.count", 2, 3, 65535));
        Broken(GgufSplitRules.Tensors, 2, () =>
        {
            for (int part = 0; part < 3; part++)
                Change(part, "split.tensors.count", 5, 8, 9);
        });
        Broken(GgufSplitRules.TensorInTwoParts, 2, () => File.WriteAllBytes(parts[1],
            Replace(File.ReadAllBytes(parts[1]), "\u0002\0\0\0\0\0\0\0t3"u8, "\u0002\0\0\0\0\0\0\0t1"u8)), "t1");
        Split(2, 3, 3);
        File.Copy(parts[0], _work["other.gguf"]);
        Refused(GgufSplitRules.Name, _work["other.gguf"]);
        Refused(GgufRules.OffsetsOutOfBounds, Truncated(parts[1]));
        Assert.Equal(s_rules, broken.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void TheDocumentListsExactlyTheRules()
    {
        string document = File.ReadAllText(Path.Combine(SharedData.Root, "docs", "formats", "gguf.md"));
        Assert.Equal(s_rules, RuleRow().Matches(document).Select(match => match.Groups["rule"].Value).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("a/m-00002-of-00003.gguf", "m")]
    [InlineData("a/m-00002-of-0003.gguf", "m-00002-of-0003")]
    [InlineData("m-1.5.gguf", "m-1.5")]
    public void TheNumberOfAPartIsNoPartOfTheName(string path, string stem) => Assert.Equal(stem, GgufSplit.StemOf(path));

    private string[] Split(params int[] tensors) => SplitGguf.Write(_work["whole.gguf"], _work["m"], tensors);

    private static string Truncated(string path)
    {
        using FileStream file = File.OpenWrite(path);
        file.SetLength(file.Length - 200);
        return path;
    }

    private static InvalidFileException Refused(string rule, string path)
    {
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => GgufFile.OpenWhole(path).Dispose());
        Assert.Equal(rule, error.Rule);
        return error;
    }

    private static byte[] Replace(byte[] bytes, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        int at = bytes.AsSpan().IndexOf(from);
        Assert.InRange(at, 0, bytes.Length);
        to.CopyTo(bytes.AsSpan(at));
        return bytes;
    }

    [GeneratedRegex(@"^\| `(?<rule>gguf-split-[a-z0-9-]+)` \|", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex RuleRow();
}
