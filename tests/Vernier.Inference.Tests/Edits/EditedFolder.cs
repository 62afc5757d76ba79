using System.Text;
using System.Text.Json;
using Vernier.Tests.References;

namespace Vernier.Tests.Edits;

/// <summary>A folder with config.json and model.safetensors, or two files and an index.</summary>
internal sealed class EditedFolder : EditedModel
{
    private static readonly string[] s_types = ["F16", "BF16", "F64", "F32", "F8_E5M2"];

    private static readonly string[] s_added =
    [
        "lm_head.weight", "lm_head.bias", "score.weight", "model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.bias",
        "model.layers.1.self_attn.o_proj.bias", "model.layers.0.mlp.down_proj.bias", "model.layers.0.self_attn.sinks",
        "model.layers.0.self_attn.q_norm.weight", "model.layers.1.self_attn.k_norm.weight",
            "model.layers.0.post_feedforward_layernorm.weight",
        "model.layers.2.input_layernorm.weight", "model.layers.0.mlp.experts.0.up_proj.weight", "model.layers.0.mlp.gate.weight",
        "model.layers.0.self_attn.rotary_emb.inv_freq", "model.layers.0.mlp.up_proj.weight_scale_inv", "model.norm.bias",
        "model.layers.0.mlp.up_proj.weight_scale", "model.layers.0.mlp.up_proj.qweight", "model.layers.0.mlp.up_proj.weight.absmax",
        "model.layers.0.mlp.up_proj.lora_A.weight", "transformer.h.0.attn.weight", "",
    ];

    private JsonText _config = new(), _metadata = new();
    private List<ReferenceTensor> _tensors = [];
    private string? _entry;
    private JsonText? _index, _tokenizer;

    /// <inheritdoc/>
    public override IEnumerable<string> Unknown =>
        _config.Members.Where(member => member.Name.StartsWith(JsonEdits.Unknown, StringComparison.Ordinal) && member.Value != "null")
            .Select(member => member.Name);

    /// <inheritdoc/>
    public override int? Tokens => _tokenizer is null ? null : ReferenceTokens.Count(_tokenizer.ToString());

    /// <summary>A folder of a network with a tokenizer.</summary>
    /// <param name="spec">The network.</param>
    /// <param name="tokenizer">tokenizer.json.</param>
    public static EditedFolder Of(TinySpec spec, string tokenizer)
    {
        EditedFolder folder = Of(spec);
        return new EditedFolder { Name = spec.Name + " with a tokenizer", _config = folder._config, _metadata = folder._metadata,
            _tensors = folder._tensors, _tokenizer = JsonText.Parse(tokenizer) };
    }

    /// <summary>A folder of a network whose feed-forward is stored in 8 bits with scales beside it.</summary>
    /// <param name="spec">The network.</param>
    public static EditedFolder InEightBits(TinySpec spec)
    {
        EditedFolder folder = Of(spec);
        List<ReferenceTensor> tensors = [];
        foreach (ReferenceTensor tensor in folder._tensors)
        {
            bool stored = tensor.Name.Contains(".mlp.", StringComparison.Ordinal);
            tensors.Add(stored ? tensor.As("F8_E5M2") : tensor);
            if (stored)
                tensors.Add(new ReferenceTensor(tensor.Name + "_scale_inv", "F32", [1], BitConverter.GetBytes(1.5f)));
        }
        return new EditedFolder { Name = spec.Name + " in 8 bits", _config = folder._config, _metadata = folder._metadata,
            _tensors = tensors };
    }

    /// <summary>A folder of a network.</summary>
    /// <param name="spec">The network.</param>
    /// <param name="split">Whether its tensors are in two files.</param>
    public static EditedFolder Of(TinySpec spec, bool split = false)
    {
        ReferenceTensor[] tensors = [.. spec.Tensors(5).Select(tensor => new ReferenceTensor(tensor.Key, "F32",
            [.. tensor.Value.Shape.Select(size => (long)size)],
            System.Runtime.InteropServices.MemoryMarshal.AsBytes(tensor.Value.Values.AsSpan()).ToArray()))];
        return new EditedFolder
        {
            Name = spec.Name + (split ? " in two files" : ""), _config = JsonText.Parse(spec.Config())!, _tensors = [.. tensors],
            _metadata = new JsonText { Members = [("format", "\"pt\"")] },
            _index = !split ? null : new JsonText
            {
                Members = [.. tensors.Select((tensor, i) => (tensor.Name, JsonSerializer.Serialize(FileOf(i, tensors.Length))))],
            },
        };
    }

    /// <inheritdoc/>
    public override EditedModel Copy() => new EditedFolder
    {
        Name = Name, _config = _config.Copy(), _metadata = _metadata.Copy(), _tensors = [.. _tensors], _entry = _entry,
            _index = _index?.Copy(),
        _tokenizer = _tokenizer?.Copy(),
    };

    /// <inheritdoc/>
    public override string Change(Random random)
    {
        var json = new JsonEdits(random, EditWords.Config);
        if (_tokenizer is not null && random.Next(2) == 0)
            return "tokenizer.json: " + new JsonEdits(random, EditWords.Tokenizer).Change(_tokenizer);
        switch (random.Next(_index is null ? 20 : 24))
        {
            case < 12:
                return "config.json: " + json.Change(_config);
            case < 18:
                return "tensors: " + new TensorEdits(random, s_types, s_added).Change(_tensors);
            case 18:
                return "__metadata__: " + json.Change(_metadata);
            case 19:
                string[] entries = ["\"offset\": 1", "\"dtype\": \"F32\"", "\"data_offsets\": [0, 4]", "\"shape\": [1.0]"];
                _entry = entries[random.Next(entries.Length)];
                return $"an entry has {_entry}";
            default:
                return "index: " + new JsonEdits(random, [("model.norm.weight", ["\"a.safetensors\"", "\"b.safetensors\"",
                    "\"../model.safetensors\"", "\"c.safetensors\""]), ("new.weight", ["\"a.safetensors\""])]).Change(_index!);
        }
    }

    /// <inheritdoc/>
    public override string Write(string folder)
    {
        string single = Path.Combine(folder, "model.safetensors");
        foreach (string file in Directory.EnumerateFiles(folder).Where(file => file != single || _index is not null))
            File.Delete(file);
        File.WriteAllText(Path.Combine(folder, "config.json"), _config.ToString());
        if (_tokenizer is not null)
            File.WriteAllText(Path.Combine(folder, "tokenizer.json"), _tokenizer.ToString());
        if (_index is null)
        {
            File.WriteAllBytes(single, FileWith(_tensors, _entry));
            return folder;
        }
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), $"{{\"metadata\": {_metadata}, \"weight_map\": {_index}}}");
        foreach (var file in _tensors.Select((tensor, i) => (Tensor: tensor, File: FileOf(i, _tensors.Count))).GroupBy(one => one.File))
            File.WriteAllBytes(Path.Combine(folder, file.Key), FileWith([.. file.Select(one => one.Tensor)], null));
        return folder;
    }

    private static string FileOf(int number, int count) => number < count / 2 ? "a.safetensors" : "b.safetensors";

    private byte[] FileWith(IReadOnlyList<ReferenceTensor> tensors, string? entry)
    {
        var header = new JsonText { Members = [("__metadata__", _metadata.ToString())] };
        long begin = 0;
        foreach (ReferenceTensor tensor in tensors)
        {
            string more = entry is not null && begin == 0 ? ", " + entry : "";
            header.Members.Add((tensor.Name, $"{{\"dtype\": \"{tensor.Type}\", \"shape\": [{string.Join(", ", tensor.Shape)}], "
                + $"\"data_offsets\": [{begin}, {begin + tensor.Data.Length}]{more}}}"));
            begin += tensor.Data.Length;
        }
        string text = header.ToString();
        byte[] json = Encoding.UTF8.GetBytes(text.PadRight((text.Length + 7) / 8 * 8));
        using var file = new MemoryStream();
        file.Write(BitConverter.GetBytes((long)json.Length));
        file.Write(json);
        foreach (ReferenceTensor tensor in tensors)
            file.Write(tensor.Data);
        return file.ToArray();
    }
}
