using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Vernier.Errors;
using Vernier.Files.Gguf;

namespace Vernier.Tests.Files.Gguf;

public partial class GgufFileTests
{
    private static readonly string[] Catalogue =
        [.. typeof(GgufRules).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!)
        .Order(StringComparer.Ordinal)];

    public static TheoryData<string, string> Cases => [.. GgufBroken.All.Select(broken => (broken.Rule, broken.What))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void ABrokenRuleIsNamed(string rule, string what)
    {
        GgufBroken.Case broken = GgufBroken.All.Single(broken => broken.Rule == rule && broken.What == what);
        var error = Assert.Throws<InvalidFileException>(() =>
        {
            using GgufFile file = GgufBytes.Open(broken.File);
            _ = file["absent"];
        });
        Assert.Equal(rule, error.Rule);
        Assert.Equal(broken.Tensor, error.Tensor);
        Assert.StartsWith("test.gguf: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(error.Remedy);
    }

    [Fact]
    public void EveryRuleHasABrokenFile() => Assert.Equal(
        Catalogue, GgufBroken.All.Select(broken => broken.Rule).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void TheDocumentListsExactlyTheRulesAndTheTypes()
    {
        string document = File.ReadAllText(Path.Combine(SharedData.Root, "docs", "formats", "gguf.md"));
        Assert.Equal(Catalogue, RuleRow().Matches(document).Select(match => match.Groups["rule"].Value).Order(StringComparer.Ordinal));
        Assert.Equal(
            GgufTensorType.All.Select(type => $"{type.Id} {type.Name} {type.BlockColumns} {type.BlockBytes}").Order(StringComparer.Ordinal),
            TypeRow().Matches(document).Select(match =>
                $"{match.Groups["id"].Value} {match.Groups["name"].Value} {match.Groups["columns"].Value} {match.Groups["bytes"].Value}")
                .Order(StringComparer.Ordinal));
        Assert.Equal(
            Enum.GetValues<GgufType>().Select(type => $"{(int)type} {type}").Order(StringComparer.Ordinal),
            ValueRow().Matches(document).Select(match => $"{match.Groups["id"].Value} {match.Groups["name"].Value}")
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public void EveryValueComesBack()
    {
        List<KeyValuePair<string, GgufValue>> metadata = GgufBytes.EveryValue();
        byte[] bytes = GgufBytes.Written(metadata, []);
        using GgufFile file = GgufBytes.Open(bytes);
        Assert.Equal(3, file.Version);
        Assert.Equal(metadata.Select(pair => pair.Key), file.Metadata.Keys);
        Assert.All(metadata, pair => Assert.Equal(pair.Value, file.Metadata[pair.Key]));
        Assert.Equal(bytes, GgufBytes.Written(file.Metadata, []));
    }

    [Theory]
    [InlineData(8u)]
    [InlineData(32u)]
    [InlineData(4096u)]
    public void EveryTensorComesBack(uint alignment)
    {
        var random = new Random(2);
        (GgufTensor Info, byte[] Data)[] tensors =
            [.. GgufTensorType.All.Select((type, i) => GgufBytes.Tensor(random, type.Name, type, i % 2 == 0 ? [3, 512] : [512])),
            GgufBytes.Tensor(random, "empty", GgufTensorType.F32, 0, 4), GgufBytes.Tensor(random, "scalar", GgufTensorType.F32)];
        byte[] bytes = GgufBytes.Written([KeyValuePair.Create(GgufFile.AlignmentKey, GgufValue.Of(alignment))], tensors);
        using GgufFile file = GgufBytes.Open(bytes);
        Assert.Equal(tensors.Length, file.Tensors.Count);
        foreach ((GgufTensor info, byte[] data) in tensors)
        {
            Assert.Equal(info.Shape, file[info.Name].Shape);
            Assert.Same(info.Type, file[info.Name].Type);
            Assert.Equal(data, file.Bytes(info.Name).ToArray());
        }
        Assert.Equal(0, bytes.Length % (int)alignment);
    }

    [Fact]
    public void AnyRangeOfElementsIsThatOfTheWhole()
    {
        var random = new Random(3);
        using var folder = new TempFolder();
        (GgufTensor Info, byte[] Data)[] tensors =
            [.. GgufTensorType.All.Select(type => GgufBytes.Tensor(random, type.Name, type, 2, 768))];
        File.WriteAllBytes(folder["x.gguf"], GgufBytes.Written([], tensors));
        using GgufFile file = GgufFile.Open(folder["x.gguf"]);
        Assert.True(GgufFile.Is(folder["x.gguf"]));
        foreach ((GgufTensor info, byte[] data) in tensors)
        {
            var whole = new float[1536];
            file.Read(info.Name, 0, whole);
            if (info.Type.Format is not null)
            {
                var decoded = new float[1536];
                info.Type.Format.Decode(data, decoded);
                Assert.Equal(MemoryMarshal.Cast<float, int>(decoded).ToArray(), MemoryMarshal.Cast<float, int>(whole).ToArray());
            }
            else if (info.Type == GgufTensorType.BF16)
            {
                Assert.Equal(BitConverter.ToUInt16(data, 200) << 16, BitConverter.SingleToInt32Bits(whole[100]));
            }
            for (int trial = 0; trial < 30; trial++)
            {
                int first = random.Next(1536), count = random.Next(1536 - first + 1);
                var part = new float[count];
                file.Read(info.Name, first, part);
                Assert.Equal(MemoryMarshal.Cast<float, int>(whole.AsSpan(first, count)).ToArray(), MemoryMarshal.Cast<float,
                    int>(part).ToArray());
                var raw = new byte[random.Next(data.Length)];
                file.ReadBytes(info.Name, data.Length - raw.Length, raw);
                Assert.Equal(data[^raw.Length..], raw);
            }
            Refusal.Of<ArgumentOutOfRangeException>("first", () => file.Read(info.Name, 1, whole));
            Refusal.Of<ArgumentOutOfRangeException>("first", () => file.Read(info.Name, -1, new float[1]));
        }
    }

    [Fact]
    public void Version2IsRead()
    {
        using GgufFile file = GgufBytes.Open(GgufBytes.Begin(1, 1, version: 2).Key("a", GgufType.UInt8).Raw([7]).Tensor("t", 0, 0, 4, 2)
            .Data(32));
        Assert.Equal(2, file.Version);
        Assert.Equal(7, file.Metadata["a"].AsInteger());
        Assert.Equal([2, 4], file["t"].Shape);
        Assert.False(file.TryGet("u", out _));
    }

    [Fact]
    public void AWriterThatIsStoppedLeavesNothing()
    {
        using var folder = new TempFolder();
        var tensor = new GgufTensor("t", GgufTensorType.F32, [4]);
        using (var writer = new GgufWriter(folder["x"], [], [tensor]))
        {
            writer.Write(new byte[8]);
            Assert.Equal(tensor, writer.Current);
            Refusal.Of<InvalidOperationException>("tensor 't' lacks 8 bytes, but 9 were given", () => writer.Write(new byte[9]));
            Refusal.Of<InvalidOperationException>("tensor 'u' was given, but 't' comes next", () => writer.Write("u", new byte[1]));
            Refusal.Of<InvalidOperationException>("tensor 't' lacks 8 bytes.", writer.Complete);
        }
        Assert.Empty(Directory.EnumerateFiles(folder.Path));
    }

    [Fact]
    public void TheWriterRefusesWhatTheReaderWould()
    {
        using var folder = new TempFolder();
        void Refused(string what, IEnumerable<KeyValuePair<string, GgufValue>> metadata, params GgufTensor[] tensors)
        {
            Refusal.Of<ArgumentException>(what, () => new GgufWriter(folder["x"], metadata, tensors));
            Refusal.Of<ArgumentException>(what, () => GgufWriter.SizeOf(metadata, tensors));
        }
        GgufValue one = GgufValue.Of(1u);
        Refused("'' has 0 bytes", [KeyValuePair.Create("", one)]);
        Refused("has 65536 bytes, not 1 to 65535", [KeyValuePair.Create(new string('k', 65536), one)]);
        Refused("The key 'a' stands twice", [KeyValuePair.Create("a", one), KeyValuePair.Create("a", one)]);
        Refused("half of a surrogate pair", [KeyValuePair.Create("\ud800", one)]);
        Refused("half of a surrogate pair", [KeyValuePair.Create("a", GgufValue.Of("\ud800"))]);
        Refused("is 24, not a power of two", [KeyValuePair.Create(GgufFile.AlignmentKey, GgufValue.Of(24u))]);
        Refused("is 32, not a power of two", [KeyValuePair.Create(GgufFile.AlignmentKey, GgufValue.Of(32))]);
        Refused("'' has 0 bytes, not 1 to 63", [], new GgufTensor("", GgufTensorType.F32, [1]));
        Refused("has 64 bytes, not 1 to 63", [], new GgufTensor(new string('n', 64), GgufTensorType.F32, [1]));
        Refused("Two tensors have the name 'a'", [],
            new GgufTensor("a", GgufTensorType.F32, [1]), new GgufTensor("a", GgufTensorType.F32, [1]));
        Refused("'a' of [1,1,1,1,1] cannot be written as F32", [], new GgufTensor("a", GgufTensorType.F32, [1, 1, 1, 1, 1]));
        Refused("'a' of [2,33] cannot be written as Q4_0", [],
            new GgufTensor("a", GgufTensorType.All.First(type => type.Name == "Q4_0"), [2, 33]));
        Refusal.Of<ArgumentException>("cannot be a System.Char", () => GgufValue.Of('c'));
        Refusal.Of<ArgumentException>("cannot be a System.Decimal[]", () => GgufValue.Of(new decimal[1]));
        GgufValue deep = GgufValue.Of(new[] { 1 });
        for (int i = 0; i < GgufFile.MaxArrayDepth; i++)
            deep = GgufValue.Of(new[] { deep });
        Refused("The arrays of 'a' are nested deeper", [KeyValuePair.Create("a", deep)]);
    }

    [GeneratedRegex(@"^\| `(?<rule>gguf-(?!model-|split-)[a-z0-9-]+)` \|", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex RuleRow();

    [GeneratedRegex(@"^\| (?<id>[0-9]+) \| (?<name>[A-Z0-9_]+[A-Z0-9]) \| (?<columns>[0-9]+) \| (?<bytes>[0-9]+) \|",
        RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TypeRow();

    [GeneratedRegex(@"^\| (?<id>[0-9]+) \| (?<name>[A-Z][A-Za-z]+[0-9]*) \| [^0-9]",
        RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ValueRow();
}
