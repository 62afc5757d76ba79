using System.Text;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;

namespace Vernier.Tests;

/// <summary>The index of a sharded checkpoint, and which tensors go to which shard.</summary>
public class CheckpointIndexTests
{
    [Fact]
    public void NamesComeBackEscapedSortedAndWithTheirSize()
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["b"] = "model-00001-of-00002.safetensors", ["B"] = "model-00002-of-00002.safetensors", ["é\"\\"] = "a b.safetensors",
        };
        byte[] text = CheckpointIndex.Format(files, 12_345_678_901);
        Assert.Equal("""
            {
              "metadata": {
                "total_size": 12345678901
              },
              "weight_map": {
                "B": "model-00002-of-00002.safetensors",
                "b": "model-00001-of-00002.safetensors",
                "é\"\\": "a b.safetensors"
              }
            }

            """, Encoding.UTF8.GetString(text));
        using var folder = new TempFolder();
        File.WriteAllBytes(folder[CheckpointIndex.FileName], text);
        Dictionary<string, string> read = CheckpointIndex.Read(folder.Path);
        Assert.Equal(3, read.Count);
        Assert.All(files, pair => Assert.Equal(pair.Value, read[pair.Key]));
    }

    [Theory]
    [InlineData("x.safetensors", true)]
    [InlineData("weights v1.2 (é).safetensors", true)]
    [InlineData(".safetensors", false)]
    [InlineData(".x.safetensors", false)]
    [InlineData(" x.safetensors", false)]
    [InlineData("x.SAFETENSORS", false)]
    [InlineData("x.safetensors ", false)]
    [InlineData("../x.safetensors", false)]
    [InlineData("a/x.safetensors", false)]
    [InlineData("a\\\\x.safetensors", false)]
    [InlineData("c:x.safetensors", false)]
    [InlineData("x?.safetensors", false)]
    [InlineData("x*.safetensors", false)]
    [InlineData("x\\u0007.safetensors", false)]
    public void OnlyPlainNamesOfTheFolderAreTaken(string file, bool plain)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder[CheckpointIndex.FileName], $$$"""{"weight_map":{"w":"{{{file}}}"}}""");
        if (plain)
        {
            Assert.Equal(file, Assert.Single(CheckpointIndex.Read(folder.Path)).Value);
            return;
        }
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => CheckpointIndex.Read(folder.Path));
        Assert.Equal((CheckpointRules.IndexFileName, "w"), (error.Rule, error.Tensor));
        Assert.EndsWith("is not the plain name of a .safetensors file", error.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(243, true)]
    [InlineData(244, false)]
    public void NamesAreNoLongerThanFileSystemsAllow(int stem, bool taken)
    {
        using var folder = new TempFolder();
        string file = new string('x', stem) + ".safetensors";
        File.WriteAllText(folder[CheckpointIndex.FileName], $$$"""{"weight_map":{"w":"{{{file}}}"}}""");
        Assert.Equal(taken, Record.Exception(() => CheckpointIndex.Read(folder.Path)) is null);
    }

    [Fact]
    public void ShardsAreFilledInOrderAndALargeTensorHasItsOwn()
    {
        long[] sizes = [4, 4, 2, 11, 1, 0, 9, 10];
        TensorInfo[] tensors = [.. sizes.Select((bytes, i) => new TensorInfo($"t{i}", ElementType.U8, [bytes]))];
        var shards = new CheckpointShards(tensors, 10);
        IEnumerable<string> names = shards.Tensors.Select(shard => string.Join(' ', shard.Select(tensor => tensor.Name)));
        Assert.Equal(["t0 t1 t2", "t3", "t4 t5 t6", "t7"], names);
        Assert.Equal("model-00003-of-00004.safetensors", shards.Names[2]);
        Assert.Contains("\"total_size\": 41", Encoding.UTF8.GetString(shards.Index!), StringComparison.Ordinal);
        var one = new CheckpointShards(tensors, 41);
        Assert.Equal(["model.safetensors"], one.Names);
        Assert.Null(one.Index);
        Assert.Empty(Assert.Single(new CheckpointShards([], 1).Tensors));
        Refusal.Of<ArgumentOutOfRangeException>("maxBytes", () => new CheckpointShards(tensors, 0));
        Refusal.Of<ArgumentException>("two tensors have this name", () => new CheckpointShards([tensors[0], tensors[3], tensors[0]], 1));
    }

    [Fact]
    public void ADraftOfShardsHasItsFilesAndItsIndexAtOnce()
    {
        using var folder = new TempFolder();
        TensorInfo[] tensors = [new("a", ElementType.U8, [3]), new("b", ElementType.I16, [2]), new("e", ElementType.F32, [0])];
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" };
        var draft = new CheckpointDraft(folder.Path, tensors, 4, metadata);
        Assert.Equal(
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", CheckpointIndex.FileName], folder.Names);
        Assert.Equal(CheckpointWriter.SizeOf(tensors, 4, metadata), folder.Names.Sum(name => new FileInfo(folder[name]).Length));
        draft.Write("b", 2, [7, 8]);
        draft.Flush(["b"]);
        Refusal.Of<ArgumentOutOfRangeException>("firstByte", () => draft.Write("b", 3, [1, 2]));
        Refusal.Of<ArgumentOutOfRangeException>("firstByte", () => draft.Write("b", -1, [1]));
        Refusal.Of<KeyNotFoundException>("'c'", () => draft.Write("c", 0, [1]));
        using Checkpoint checkpoint = draft.Open();
        Assert.Equal([0, 0, 7, 8], checkpoint.Bytes(checkpoint["b"]).ToArray());
        Assert.Equal(["a", "b", "e"], checkpoint.Tensors.Select(tensor => tensor.Name));
        Assert.All(checkpoint.Files, file => Assert.Equal("pt", file.Metadata["format"]));
        var numbers = new float[1];
        checkpoint.Read(checkpoint["b"], 1, numbers);
        Assert.Equal(0x0807, numbers[0]);
    }
}
