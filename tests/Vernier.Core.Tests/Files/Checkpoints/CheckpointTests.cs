using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;

namespace Vernier.Tests;

public class CheckpointTests
{
    [Fact]
    public void TheSampleOpens()
    {
        using Checkpoint checkpoint = Checkpoint.Open(SharedData.Quill);
        TensorInfo embedding = checkpoint["model.embed_tokens.weight"];
        Assert.Equal([4096, 256], embedding.Shape);
        Assert.Equal(ElementType.BF16, embedding.Type);
        Assert.True(checkpoint.TryGet("model.norm.weight", out TensorInfo? norm));
        Assert.EndsWith("model.safetensors", checkpoint.FileOf(norm), StringComparison.Ordinal);
        Assert.False(checkpoint.TryGet("lm_head.weight", out _));

        float[] numbers = new float[256];
        checkpoint.Read(embedding, 4095 * 256, numbers);
        byte[] bytes = new byte[2];
        checkpoint.ReadBytes(embedding, embedding.Bytes - 2, bytes);
        Assert.Equal(checkpoint.Bytes(embedding)[^2..], bytes);
        Assert.Equal(BitConverter.Int32BitsToSingle(BitConverter.ToUInt16(bytes) << 16), numbers[^1]);
    }

    [Fact]
    public void ShardsComeBackByteForByteAndInTheSizeForetold()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var tensors = Enumerable.Range(0, random.Next(1, 20))
                .Select(i => SafetensorsBytes.Tensor(random, $"layers.{i}.weight", (ElementType)random.Next(4, 22), random.Next(0, 40),
                    random.Next(1, 9))).ToList();
            TensorInfo[] infos = [.. tensors.Select(tensor => tensor.Info)];
            long max = random.Next(1, 4000);
            using var folder = new TempFolder();
            using (var writer = new CheckpointWriter(folder.Path, infos, max))
            {
                foreach ((TensorInfo info, byte[] data) in tensors)
                    writer.Write(info.Name, data);
                Assert.Null(writer.Current);
                writer.Complete();
            }

            Assert.Equal(CheckpointWriter.SizeOf(infos, max), folder.Names.Sum(name => new FileInfo(folder[name]).Length));
            using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
            Assert.Equal(infos.Select(info => info.Name).Order(StringComparer.Ordinal),
                checkpoint.Tensors.Select(info => info.Name).Order(StringComparer.Ordinal));
            foreach ((TensorInfo info, byte[] data) in tensors)
                Assert.True(data.AsSpan().SequenceEqual(checkpoint.Bytes(info)));
            Assert.All(checkpoint.Files, file => Assert.True(
                file.Tensors.Sum(tensor => tensor.Bytes) <= max || file.Tensors.Count(tensor => tensor.Bytes > 0) == 1));
        }
    }

    [Fact]
    public void ADraftInAnyOrderIsWhatAWriterWrites()
    {
        var random = new Random(7);
        for (int round = 0; round < 60; round++)
        {
            (TensorInfo Info, byte[] Data)[] tensors = [.. Enumerable.Range(0, random.Next(1, 20))
                .Select(i => SafetensorsBytes.Tensor(random, $"layers.{i}.weight", (ElementType)random.Next(4, 22), random.Next(0, 40),
                    random.Next(1, 9)))];
            TensorInfo[] infos = [.. tensors.Select(tensor => tensor.Info)];
            long max = random.Next(1, 4000);
            using TempFolder expected = new(), actual = new();
            using (var writer = new CheckpointWriter(expected.Path, infos, max))
            {
                foreach ((TensorInfo info, byte[] data) in tensors)
                    writer.Write(info.Name, data);
                writer.Complete();
            }

            var draft = new CheckpointDraft(actual.Path, infos, max);
            random.Shuffle(tensors);
            for (int i = 0; i < tensors.Length; i++)
            {
                (TensorInfo info, byte[] data) = tensors[i];
                int cut = random.Next(data.Length + 1);
                draft.Write(info.Name, cut, data.AsSpan(cut));
                draft.Write(info.Name, 0, data.AsSpan(0, cut));
                using (Checkpoint checkpoint = draft.Open())
                    Assert.True(data.AsSpan().SequenceEqual(checkpoint.Bytes(checkpoint[info.Name])));
                if (i == tensors.Length / 2)
                    draft = new CheckpointDraft(actual.Path, infos, max);
            }
            draft.Flush();
            Assert.Equal(expected.Names, actual.Names);
            Assert.All(expected.Names, name => Assert.Equal(File.ReadAllBytes(expected[name]), File.ReadAllBytes(actual[name])));
        }
    }

    [Fact]
    public void ADraftOfOtherTensorsBeginsAnew()
    {
        using var folder = new TempFolder();
        var draft = new CheckpointDraft(folder.Path, [new("a", ElementType.U8, [4])]);
        draft.Write("a", 0, [1, 2, 3, 4]);
        Refusal.Of<ArgumentOutOfRangeException>("firstByte", () => draft.Write("a", 3, [1, 2]));
        Refusal.Of<ArgumentOutOfRangeException>("firstByte", () => draft.Write("a", -1, [1]));
        draft = new CheckpointDraft(folder.Path, [new("a", ElementType.U8, [4])]);
        using (Checkpoint kept = draft.Open())
            Assert.Equal([1, 2, 3, 4], kept.Bytes(kept["a"]).ToArray());
        draft = new CheckpointDraft(folder.Path, [new("a", ElementType.I8, [4])]);
        using Checkpoint anew = draft.Open();
        Assert.Equal([0, 0, 0, 0], anew.Bytes(anew["a"]).ToArray());
    }

    [Fact]
    public void AllShardsThatAreMissingAreNamed()
    {
        using var folder = new TempFolder();
        WriteShards(folder.Path, 16);
        File.Delete(folder["model-00003-of-00016.safetensors"]);
        File.Delete(folder["model-00011-of-00016.safetensors"]);
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Checkpoint.Open(folder.Path));
        Assert.Equal((CheckpointRules.IndexFileMissing, "the index names 16 files, and 2 of them are not in the folder: "
            + "model-00003-of-00016.safetensors, model-00011-of-00016.safetensors"), (error.Rule, error.Problem));
        for (int i = 1; i <= 16; i++)
            File.Delete(folder[$"model-{i:D5}-of-00016.safetensors"]);
        error = Assert.Throws<InvalidFileException>(() => Checkpoint.Open(folder.Path));
        Assert.EndsWith("model-00014-of-00016.safetensors and 2 more", error.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void OfASingleFileAndAnIndexTheFileIsReadAndSaidSo()
    {
        using var folder = new TempFolder();
        WriteShards(folder.Path, 2);
        new CheckpointDraft(folder.Path, [new("single", ElementType.U8, [4])]).Flush();
        using (Checkpoint both = Checkpoint.Open(folder.Path))
        {
            Assert.Equal("single", Assert.Single(both.Tensors).Name);
            Assert.Equal($"{folder.Path} has a model.safetensors and a model.safetensors.index.json of other files: the single file is "
                + $"read, "
                + "as by Transformers, and those files are passed over", Assert.Single(both.Notes));
        }
        // An index of that file says the same as the file, and one that can't be read says nothing.
        foreach (string index in (string[])["""{"weight_map":{"single":"model.safetensors"}}""", "{"])
        {
            File.WriteAllText(folder["model.safetensors.index.json"], index);
            using Checkpoint one = Checkpoint.Open(folder.Path);
            Assert.Empty(one.Notes);
        }
        File.Delete(folder["model.safetensors.index.json"]);
        File.Delete(folder["model.safetensors"]);
        WriteShards(folder.Path, 2);
        using Checkpoint shards = Checkpoint.Open(folder.Path);
        Assert.Empty(shards.Notes);
    }

    private static void WriteShards(string folder, int count) => new CheckpointDraft(folder,
        [.. Enumerable.Range(0, count).Select(i => new TensorInfo($"t{i}", ElementType.U8, [4]))], 4).Flush();

    [Fact]
    public void NamesAndIndexAreThoseOfTransformers()
    {
        using var folder = new TempFolder();
        using (var writer = new CheckpointWriter(folder.Path, [new("b", ElementType.U8, [2]), new("a", ElementType.U8, [2])], 3))
        {
            Assert.Equal(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], writer.FileNames);
            writer.Write("b", [1, 2]);
            writer.Write("a", [3, 4]);
            Assert.DoesNotContain("model.safetensors.index.json", folder.Names);
            writer.Complete();
        }
        Assert.Equal(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"],
            folder.Names);
        Assert.Equal("""
            {
              "metadata": {
                "total_size": 4
              },
              "weight_map": {
                "a": "model-00002-of-00002.safetensors",
                "b": "model-00001-of-00002.safetensors"
              }
            }

            """, File.ReadAllText(folder["model.safetensors.index.json"]));
    }

    [Fact]
    public void OneShardNeedsNoIndex()
    {
        using var folder = new TempFolder();
        using (var writer = new CheckpointWriter(folder.Path, [new("a", ElementType.U8, [2])], 1))
        {
            writer.Write([1, 2]);
            writer.Complete();
        }
        Assert.Equal(["model.safetensors"], folder.Names);
    }

    [Fact]
    public void NothingIsLeftBehindWithoutCompletion()
    {
        using var folder = new TempFolder();
        using (var writer = new CheckpointWriter(folder.Path, [new("a", ElementType.U8, [2]), new("b", ElementType.U8, [2])], 2))
        {
            writer.Write([1, 2]);
            writer.Write([1]);
            Assert.Equal(2, folder.Names.Count());
            Refusal.Of<InvalidOperationException>("tensor 'b' lacks 1 bytes", writer.Complete);
        }
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void ATensorThatTheIndexDoesNotMentionBelongsToTheCheckpoint()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["model.safetensors.index.json"],
            JsonSerializer.Serialize(new { weight_map = new { a = "x.safetensors" } }));
        File.WriteAllBytes(folder["x.safetensors"], SafetensorsBytes.Written([
            (new("a", ElementType.U8, [1]), [1]), (new("b", ElementType.U8, [1]), [2])]));
        File.WriteAllText(folder["y.safetensors"], "not listed, so not opened");
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal(["a", "b"], checkpoint.Tensors.Select(tensor => tensor.Name));
    }
}
